import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// Names without hashes: the bundle is committed, and the server checks freshness by its contents.
const names = { entryFileNames: "[name].js", chunkFileNames: "[name].js", assetFileNames: "[name][extname]" };

export default defineConfig({
  // Relative, so that the page works from any folder of any host.
  base: "./",
  plugins: [svelte()],
  build: {
    target: "es2022",
    modulePreload: false,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    reportCompressedSize: false,
    rollupOptions: { output: names },
  },
  worker: { format: "es", rollupOptions: { output: names } },
  server: { proxy: { "/api": "http://127.0.0.1:8001" } },
});
