// The dissector: each field stands where its RFC puts it, and no bytes whatever make it fail or point outside of the frame.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createServer } from "vite";
import { load } from "../../crates/lab-wasm/lab.js";
import { here } from "./browser.mjs";

let vite, dissect, summarize, headers;
before(async () => {
  vite = await createServer({ root: join(here, ".."), configFile: false, server: { middlewareMode: true, ws: false, watch: null }, appType: "custom", logLevel: "error", optimizeDeps: { noDiscovery: true } });
  ({ dissect } = await vite.ssrLoadModule("/src/lib/dissect.ts"));
  ({ summarize, headers } = await vite.ssrLoadModule("/src/lib/packet.ts"));
});
after(() => vite?.close());

const names = (hex) => dissect(hex).layers.map((layer) => layer.name);
const field = (hex, layer, name) => dissect(hex).layers.find((one) => one.name === layer)?.fields.find((one) => one.name.en === name);
/// Its value and where it stands: first byte, one past the last, bits.
const at = (hex, layer, name) => { const one = field(hex, layer, name); return one && [one.value, one.begin, one.end, one.bits]; };

const ETHERNET4 = "020000000002" + "020000000001" + "0800";
const ETHERNET6 = "333300000001" + "020000000001" + "86dd";
const [ONE, TWO] = ["fe800000000000000000000000000001", "20010db8000000000000000100000002"];
const v6 = (next, payload, from = ONE, to = TWO) => `${ETHERNET6}6b812345${(payload.length / 2).toString(16).padStart(4, "0")}${next}40${from}${to}${payload}`;
const v4 = (protocol, payload) => `${ETHERNET4}4500${(20 + payload.length / 2).toString(16).padStart(4, "0")}1234400040${protocol}00000a0000010a000002${payload}`;
const tcp = (options, flags = "10", acknowledgment = "00001000") => `1f90c35000000064${acknowledgment}${(5 + options.length / 8).toString(16)}0${flags}ffff00000000${options}`;

test("IPv4 and TCP: fields, bits, padding", () => {
  const hex = v4("06", tcp("", "12")) + "000000000000";
  assert.deepEqual(names(hex), ["Ethernet II", "IPv4", "TCP", "Padding"]);
  assert.deepEqual(at(hex, "IPv4", "don't fragment"), ["1", 20, 21, [1, 1]]);
  assert.deepEqual(at(hex, "IPv4", "time to live"), ["64", 22, 23, null]);
  assert.deepEqual(at(hex, "TCP", "source port"), ["8080", 34, 36, null]);
  assert.deepEqual(at(hex, "TCP", "SYN"), ["1", 47, 48, [6, 1]]);
  assert.deepEqual(at(hex, "TCP", "ACK"), ["1", 47, 48, [3, 1]]);
});

test("every TCP option", () => {
  const cases = [
    ["020405b4", "maximum segment size", "1460 B"], ["03030801", "window scale", "× 256"], ["04020101", "SACK permitted", "✓"],
    ["0101080a00000001000000ff", "timestamp", "1"], ["0101080a00000001000000ff", "timestamp echo", "255"],
    ["0101050a0000200000003000", "SACK", "8192–12288"], ["0101050a0000080000001000", "D-SACK", "2048–4096"],
    ["0101051200002400000028000000200000003000", "D-SACK", "9216–10240"], ["01011312" + "ab".repeat(16), "MD5 signature", "ab".repeat(16)],
    ["1c04803c", "user timeout", "60 min"], ["1d080102aabbccdd", "authentication (TCP-AO)", "aabbccdd"], ["1e0401aa", "Multipath TCP", "01aa"],
    ["2206aabbccdd0101", "Fast Open cookie", "aabbccdd"], ["22020101", "Fast Open cookie", "?"], ["fd0412ab", "option 253", "12ab"], ["02ff0000", "broken option", "kind 2"], ["00000000", "end of options", ""],
  ];
  for (const [options, name, value] of cases) assert.equal(field(v4("06", tcp(options)), "TCP", name)?.value, value, `${options}: ${name}`);
});

test("IPv6: fields, extension headers, fragments, and addresses as RFC 5952 writes them", () => {
  const plain = v6("11", "00350035000c0000" + "61626364");
  assert.deepEqual(names(plain), ["Ethernet II", "IPv6", "UDP", "Data"]);
  assert.deepEqual(at(plain, "IPv6", "service"), ["0x2e", 14, 16, [4, 6]]);
  assert.deepEqual(at(plain, "IPv6", "flow label"), ["0x12345", 15, 18, [4, 20]]);
  assert.deepEqual(at(plain, "IPv6", "source"), ["fe80::1", 22, 38, null]);
  assert.equal(at(plain, "IPv6", "destination")[0], "2001:db8::1:0:2");
  assert.equal(field(v6("3b", "", "20010db8000100010001000100010001"), "IPv6", "source").value, "2001:db8:1:1:1:1:1:1");
  const extended = v6("00", "3c00050200000100" + "2c00010400000000" + "06000001000000aa" + tcp(""));
  assert.deepEqual(names(extended), ["Ethernet II", "IPv6", "IPv6 hop-by-hop options", "IPv6 destination options", "IPv6 fragment", "TCP"]);
  assert.equal(field(extended, "IPv6 hop-by-hop options", "router alert").value, "0");
  assert.deepEqual(at(extended, "IPv6 fragment", "more fragments"), ["1", 73, 74, [7, 1]]);
  const later = v6("2c", "06000008000000aa" + "00".repeat(20));
  assert.deepEqual(names(later), ["Ethernet II", "IPv6", "IPv6 fragment", "Data"]);
});

test("ICMPv6: echoes, errors with the packet that caused them, neighbours and routers", () => {
  assert.equal(field(v6("3a", "8000000000070003616263"), "ICMPv6", "sequence").value, "3");
  const big = v6("3a", "0200000000000500" + v6("06", tcp("")).slice(28));
  assert.equal(field(big, "ICMPv6", "next hop takes").value, "1280 B");
  assert.deepEqual(names(big), ["Ethernet II", "IPv6", "ICMPv6", "IPv6", "TCP"]);
  const asks = v6("3a", "8700000000000000" + TWO + "0101020000000001");
  assert.deepEqual(at(asks, "ICMPv6", "target"), ["2001:db8::1:0:2", 62, 78, null]);
  assert.equal(field(asks, "NDP option", "hardware address").value, "02:00:00:00:00:01");
  assert.deepEqual(at(v6("3a", "88000000e0000000" + TWO), "ICMPv6", "overrides"), ["1", 58, 59, [2, 1]]);
  const router = v6("3a", "8600000040c00708" + "0000000000000000" + "030440c0" + "00015180" + "00003840" + "00000000" + TWO + "0501000000000500" + "1903000000000e10" + TWO);
  assert.equal(field(router, "ICMPv6", "router's lifetime").value, "1800 s");
  const options = dissect(router).layers.filter((layer) => layer.name === "NDP option");
  assert.deepEqual(options.map((layer) => layer.fields.at(-1).value), ["2001:db8::1:0:2", "1280 B", "2001:db8::1:0:2"]);
  assert.equal(field(v6("3a", "8f000000000000010400" + "0000" + TWO), "MLD group", "group").value, "2001:db8::1:0:2");
});

test("ICMP: what is too big, and the packet that caused it", () => {
  const hex = v4("01", "0304000000000500" + v4("11", "0035003500080000").slice(28));
  assert.deepEqual(names(hex), ["Ethernet II", "IPv4", "ICMP", "IPv4", "UDP"]);
  assert.equal(field(hex, "ICMP", "next hop takes").value, "1280 B");
});

test("the live network's frames of IPv6 have names and lengths", () => {
  const hex = v6("06", tcp("") + "616263");
  const summary = summarize(hex, hex.length / 2);
  assert.deepEqual([summary.protocol, summary.source, summary.destination, summary.payload, summary.sequence], ["TCP", "[fe80::1]:8080", "[2001:db8::1:0:2]:50000", 3, 100]);
  assert.deepEqual(headers(hex, hex.length / 2), { link: 14, network: 40, transport: 20 });
  assert.equal(summarize(v6("3a", "8700000000000000" + TWO), 78).info, "who has this address?");
});

test("every frame of every experiment opens whole: each byte belongs to a layer, and the layers follow each other", async () => {
  const lab = await load(await readFile(join(here, "..", "dist", "lab.wasm")));
  let count = 0;
  for (const { name } of lab.catalogue().experiments) {
    for (const frame of lab.run({ experiment: name }).trace.frames.slice(0, 300)) {
      const { layers } = dissect(frame.bytes);
      assert.ok(layers.length >= 2, `${name}: ${frame.name}`);
      assert.deepEqual(layers.map((layer) => layer.begin), [0, ...layers.slice(0, -1).map((layer) => layer.end)], `${name}: ${frame.name}`);
      assert.equal(layers.at(-1).end, frame.bytes.length / 2);
      if (frame.summary.protocol === "TCP") assert.ok(layers.some((layer) => layer.name === "TCP"), `${name}: ${frame.name}`);
      count += 1;
    }
  }
  assert.ok(count > 1000, String(count));
});

test("hostile bytes: cut and damaged frames are opened as far as they go", () => {
  let seed = 1;
  const random = (below) => { seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0; return seed % below; };
  const whole = [v4("06", tcp("0101051200002400000028000000200000003000")), v6("00", "3c00050200000100" + "2c00010400000000" + "06000001000000aa" + tcp("")), v6("3a", "8600000040c00708" + "0000000000000000" + "030440c0" + "00015180" + "00003840" + "00000000" + TWO), v6("3a", "0200000000000500" + v6("06", tcp("")).slice(28))];
  for (let round = 0; round < 20_000; round++) {
    const bytes = Buffer.from(whole[round % whole.length], "hex").subarray(0, 1 + random(160));
    for (let hit = 0; hit < random(6); hit++) bytes[random(bytes.length)] = random(256);
    for (const layer of dissect(bytes.toString("hex")).layers) {
      assert.ok(layer.begin >= 0 && layer.begin < layer.end && layer.end <= bytes.length);
      for (const one of layer.fields) assert.ok(one.begin >= layer.begin && one.begin <= one.end && one.end <= bytes.length, JSON.stringify(one));
    }
  }
});
