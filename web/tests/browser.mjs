// A browser to look at the page with, and a plain static host for it.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "..", "dist");
const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

/// Serves the bundle from a folder below the root, as a static host might, and nothing else.
export async function serveStatic() {
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url, "http://x").pathname);
    try {
      if (!path.startsWith("/some/folder/")) throw new Error("not here");
      const name = path.slice("/some/folder/".length) || "index.html";
      const body = await readFile(join(dist, name));
      // An unknown type for .wasm, as from the plainest of servers.
      response.writeHead(200, { "content-type": types[extname(name)] ?? "application/octet-stream" }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}/some/folder/`, close: () => server.close() };
}

export async function launch() {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  return {
    /// Each page has a context of its own: what one keeps, no other finds.
    context: {
      async newPage() {
        const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-US", colorScheme: "light" });
        return context.newPage();
      },
    },
    /// A phone: fingers, no mouse.
    phone: {
      async newPage() {
        const context = await browser.newContext({ viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, locale: "en-US", colorScheme: "light" });
        return context.newPage();
      },
    },
    close: () => browser.close(),
  };
}

/// A page that remembers its errors and every request that leaves for another host.
export async function open(context, url, options = {}) {
  const page = await context.newPage();
  if (options.size) await page.setViewportSize(options.size);
  if (options.dark) await page.emulateMedia({ colorScheme: "dark" });
  page.errors = [];
  page.foreign = [];
  page.on("console", (message) => { if (message.type() === "error" || message.type() === "warning") page.errors.push(message.text()); });
  page.on("pageerror", (error) => page.errors.push(String(error)));
  const origin = new URL(url).origin;
  page.on("request", (request) => {
    const address = request.url();
    if (!address.startsWith(origin) && !address.startsWith("blob:") && !address.startsWith("data:")) page.foreign.push(address);
  });
  await page.goto(url);
  return page;
}
