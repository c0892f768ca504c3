import { load } from "../../../crates/lab-wasm/lab.js";

const address = new URL("./lab.wasm", self.location.href);

async function bytes(): Promise<ArrayBuffer> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`lab.wasm: ${response.status}`);
  // Not streamed: a plain static host may not know the type of .wasm.
  return response.arrayBuffer();
}

// What the module can do grows; the page asks.
const lab: Promise<Record<string, any>> = bytes().then((module) => load(module));
lab.catch(() => {});

self.onmessage = async ({ data: { id, call, given } }) => {
  try {
    const loaded = await lab;
    let result: unknown;
    if (call === "catalogue") result = loaded.catalogue();
    else if (call === "run") {
      const begin = performance.now();
      const answer = loaded.run(given);
      result = { answer, milliseconds: performance.now() - begin };
    } else if (call === "abilities") result = ["svg", "pcapng"].filter((name) => typeof loaded[name] === "function");
    // The module keeps the last run only, and another may have come between.
    else if (call === "svg") { loaded.run(given.request); result = loaded.svg(given.language); }
    else if (call === "pcapng") { loaded.run(given); result = loaded.pcapng(); }
    else throw new Error(`no such call: ${call}`);
    self.postMessage({ id, result });
  } catch (error) {
    self.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
  }
};
