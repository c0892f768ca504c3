// Enough of the headers to name a frame that the server's network carried. The layers one by one are the lab's to open.

import { Reader } from "./dissect/reader";
import { fromHex } from "./format";
import type { Summary } from "./types";

const FLAGS = ["FIN", "SYN", "RST", "PSH", "ACK", "URG"];

const NEIGHBOURS: Record<number, string> = { 128: "echo request", 129: "echo reply", 133: "who routes?", 134: "router here", 135: "who has this address?", 136: "this address is here", 143: "listens to groups" };

function place(bytes: Uint8Array): { type: number; ip: number; protocol: number; transport: number } {
  const view = new DataView(bytes.buffer);
  const type = bytes.length >= 14 ? view.getUint16(12) : 0;
  if (type === 0x86dd && bytes.length >= 54) return { type, ip: 14, protocol: bytes[20], transport: 54 };
  if (type !== 0x0800 || bytes.length < 34) return { type, ip: 0, protocol: 0, transport: 0 };
  return { type, ip: 14, protocol: bytes[23], transport: 14 + (bytes[14] & 15) * 4 };
}

/// The lengths of a frame's headers, in bytes; 0 for those that it has not. `length` is the frame's, before it was cut.
export function headers(hex: string, length: number): { link: number; network: number; transport: number } {
  const bytes = fromHex(hex.slice(0, 256));
  const { ip, protocol, transport } = place(bytes);
  if (ip === 0) return { link: Math.min(14, length), network: 0, transport: 0 };
  const offset = protocol === 6 && bytes.length > transport + 12 ? (bytes[transport + 12] >> 4) * 4 : protocol === 17 || protocol === 1 || protocol === 58 ? 8 : 0;
  return { link: 14, network: transport - 14, transport: offset };
}

export function summarize(hex: string, length: number): Summary {
  const bytes = fromHex(hex);
  const view = new DataView(bytes.buffer);
  const { type, ip, protocol, transport } = place(bytes);
  const dotted = (at: number) => [...bytes.subarray(at, at + 4)].join(".");
  const summary: Summary = { protocol: "Ethernet", source: "", destination: "", flags: "", sequence: null, acknowledgment: null, window: null, payload: 0, info: `0x${type.toString(16)}` };
  if (type === 0x0806 && bytes.length >= 42) {
    const asks = view.getUint16(20) === 1;
    const [sender, target] = [dotted(28), dotted(38)];
    return { ...summary, protocol: "ARP", source: sender, destination: target, info: asks ? (sender === target ? `ARP announces ${sender}` : `ARP who has ${target}?`) : `ARP ${sender} is here` };
  }
  if (ip === 0) return summary;
  const six = type === 0x86dd;
  const reader = new Reader(bytes);
  const [source, destination] = six ? [reader.six(22), reader.six(38)] : [dotted(26), dotted(30)];
  summary.protocol = six ? "IPv6" : "IPv4";
  summary.source = source;
  summary.destination = destination;
  summary.info = `protocol ${protocol}`;
  if (protocol === 1 && bytes.length >= transport + 2) return { ...summary, protocol: "ICMP", info: `type ${bytes[transport]} code ${bytes[transport + 1]}` };
  if (protocol === 58 && bytes.length >= transport + 2) return { ...summary, protocol: "ICMPv6", info: NEIGHBOURS[bytes[transport]] ?? `type ${bytes[transport]} code ${bytes[transport + 1]}` };
  if ((protocol === 6 || protocol === 17) && bytes.length >= transport + 8) {
    const host = (address: string) => (six ? `[${address}]` : address);
    summary.source = `${host(source)}:${view.getUint16(transport)}`;
    summary.destination = `${host(destination)}:${view.getUint16(transport + 2)}`;
  }
  if (protocol === 17) return { ...summary, protocol: "UDP", payload: Math.max(length - transport - 8, 0), info: `${length - transport - 8} B` };
  if (protocol === 6 && bytes.length >= transport + 20) {
    const bits = bytes[transport + 13];
    const names = FLAGS.filter((name, bit) => bits & (1 << bit) && name !== "PSH");
    // SYN and FIN before ACK, as they are said.
    const flags = [...names.filter((name) => name !== "ACK"), ...names.filter((name) => name === "ACK")].join(",");
    const total = six ? view.getUint16(ip + 4) + 40 : view.getUint16(ip + 2);
    const payload = Math.max(total - (transport - ip) - (bytes[transport + 12] >> 4) * 4, 0);
    return { ...summary, protocol: "TCP", flags, sequence: view.getUint32(transport + 4), acknowledgment: bits & 16 ? view.getUint32(transport + 8) : null, window: view.getUint16(transport + 14), payload, info: "" };
  }
  return summary;
}
