// Whether two builds of the lab's module do the same: the same catalogue, and of every experiment the same trace, byte for byte.
//
//   node same.mjs FRESH.wasm COMMITTED.wasm

import { readFile } from "node:fs/promises";
import { load } from "../../crates/lab-wasm/lab.js";

const [fresh, committed] = await Promise.all(process.argv.slice(2, 4).map(async (path) => ({ bytes: await readFile(path), lab: await load(await readFile(path)) })));
if (fresh.bytes.equals(committed.bytes)) {
  console.log("the module is the same, byte for byte");
  process.exit(0);
}
const differing = [];
if (JSON.stringify(fresh.lab.catalogue()) !== JSON.stringify(committed.lab.catalogue())) differing.push("the catalogue");
for (const { name } of fresh.lab.catalogue().experiments) {
  if (fresh.lab.runText({ experiment: name }) !== committed.lab.runText({ experiment: name })) differing.push(name);
}
if (differing.length > 0) {
  console.error(`web/dist/lab.wasm is not what the sources do: ${differing.join(", ")}; run web/build.sh and commit it`);
  process.exit(1);
}
console.log("the module is built differently and does the same");
