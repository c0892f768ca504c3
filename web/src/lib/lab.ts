// The lab runs in a worker, so that the page stays lively whatever is asked of it.

import type { Answer, Catalogue, Request } from "./types";

interface Pending { resolve: (value: never) => void; reject: (error: Error) => void }

const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "lab" });
const pending = new Map<number, Pending>();
let last = 0;

worker.onmessage = ({ data }) => {
  const waiting = pending.get(data.id);
  pending.delete(data.id);
  if ("error" in data) waiting?.reject(new Error(data.error));
  else waiting?.resolve(data.result as never);
};
worker.onerror = (event) => {
  for (const waiting of pending.values()) waiting.reject(new Error(event.message || "the worker did not start"));
  pending.clear();
};

function ask<T>(call: string, given?: unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    const id = ++last;
    pending.set(id, { resolve, reject });
    worker.postMessage({ id, call, given });
  });
}

export const catalogue = () => ask<Catalogue>("catalogue");
export const run = (request: Request) => ask<{ answer: Answer; milliseconds: number }>("run", request);
/// Which exports the module has.
export const abilities = () => ask<string[]>("abilities");
export const svg = (request: Request, language: string) => ask<string>("svg", { request, language });
export const pcapng = (request: Request) => ask<Uint8Array>("pcapng", request);
