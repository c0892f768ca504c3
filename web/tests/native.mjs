// Whether the lab does the same natively and as a WebAssembly module: of every experiment the same trace, byte for byte, as it
// stands and with what is random and what is broken on purpose.
//
//   node native.mjs MODULE.wasm NETSTRATA

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { load } from "../../crates/lab-wasm/lab.js";

const [path, program] = process.argv.slice(2, 4);
const lab = await load(await readFile(path));
const natively = async (...given) => {
  // A check that fails is exit code 1, and a trace all the same.
  const run = promisify(execFile)(program, ["lab", ...given, "--json"], { maxBuffer: 1 << 30 });
  const { stdout } = await run.catch((error) => (error.code === 1 && error.stdout ? error : Promise.reject(error)));
  return stdout.trimEnd().split("\n");
};
const differing = [];
const compare = (name, native, request) => {
  if (native === undefined || native !== lab.runText(request)) differing.push(name);
};

const names = lab.catalogue().experiments.map((experiment) => experiment.name);
if (JSON.stringify(lab.catalogue()) !== JSON.stringify(JSON.parse((await natively())[0]))) differing.push("the catalogue");
for (const seed of [1, 7]) {
  const traces = await natively("--all", "--seed", String(seed));
  if (traces.length !== names.length) differing.push(`${traces.length} natively, ${names.length} in the module`);
  names.forEach((experiment, place) => compare(`${experiment}, seed ${seed}`, traces[place], { experiment, seed }));
}
const broken = [["handshake", "drop server SYN,ACK #1"], ["loss", "delay 60ms client data #5"], ["half-close", "corrupt server data #3"], ["close", "duplicate client FIN,ACK #1"], ["loss", "cut client data #9"]];
for (const [experiment, rule] of broken) {
  compare(`${experiment}, ${rule}`, (await natively(experiment, "--rule", rule))[0], { experiment, seed: 1, rules: [rule] });
}
if (differing.length > 0) {
  console.error(`not the same natively and as WebAssembly: ${differing.join("; ")}`);
  process.exit(1);
}
console.log(`${2 * names.length + broken.length} runs are the same natively and as WebAssembly, byte for byte`);
