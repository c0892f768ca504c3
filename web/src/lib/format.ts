import type { Endpoint, Frame, Trace } from "./types";

/// A time in nanoseconds, short and exact enough to tell neighbours apart.
export function time(nanoseconds: number): string {
  const absolute = Math.abs(nanoseconds);
  if (absolute === 0) return "0";
  if (absolute < 1e3) return `${Math.round(nanoseconds)} ns`;
  if (absolute < 1e6) return `${trim(nanoseconds / 1e3)} µs`;
  if (absolute < 1e9) return `${trim(nanoseconds / 1e6)} ms`;
  if (absolute < 60e9) return `${trim(nanoseconds / 1e9)} s`;
  const whole = Math.floor(absolute / 1e9);
  const rest = trim((absolute - Math.floor(absolute / 60e9) * 60e9) / 1e9);
  const minutes = Math.floor(whole / 60) % 60;
  const hours = Math.floor(whole / 3600);
  return `${nanoseconds < 0 ? "-" : ""}${hours ? `${hours} h ` : ""}${minutes} min${rest === "0" ? "" : ` ${rest} s`}`;
}

/// A time for the ladder's margin: at most nine signs.
export function brief(nanoseconds: number): string {
  if (nanoseconds < 60e9) return time(nanoseconds);
  const seconds = nanoseconds / 1e9;
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const rest = seconds % 60;
  const two = (value: number) => String(value).padStart(2, "0");
  if (hours > 0) return `${hours}:${two(minutes)}:${two(Math.floor(rest))}`;
  return `${minutes}:${rest < 10 ? "0" : ""}${trim(Math.floor(rest * 100) / 100)}`;
}

function trim(value: number): string {
  const text = value >= 100 ? value.toFixed(1) : value.toFixed(3);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

export const count = (value: number): string => value.toLocaleString("en").replaceAll(",", "\u202f");

export function relative(value: number, initial: number | null | undefined): number {
  return initial == null ? value : (value - initial) >>> 0;
}

export const ip = (endpoint: string): string => endpoint.replace(/:\d+$/, "");

/// From when on which initial sequence number counts, by direction: the same four-tuple may be opened again.
export type Initials = Map<string, { since: number; sequence: number }[]>;

export function initials(trace: { frames: Frame[] }): Initials {
  const found: Initials = new Map();
  for (const { summary, sent } of trace.frames) {
    if (summary.protocol !== "TCP" || summary.sequence == null || !summary.flags.includes("SYN")) continue;
    const key = `${summary.source}>${summary.destination}`;
    const all = found.get(key);
    if (!all) found.set(key, [{ since: sent, sequence: summary.sequence }]);
    else if (all[all.length - 1].sequence !== summary.sequence) all.push({ since: sent, sequence: summary.sequence });
  }
  return found;
}

function initialAt(initial: Initials, key: string, at: number): number | undefined {
  return initial.get(key)?.findLast((one) => one.since <= at)?.sequence;
}

/// What stands on a frame's arrow.
export function label(frame: Frame, initial: Initials, absolute: boolean): string {
  const { summary } = frame;
  if (summary.protocol !== "TCP") {
    if (summary.info === "") return summary.payload > 0 ? `${summary.protocol} · ${summary.payload} B` : summary.protocol;
    const info = summary.info.length > 46 ? `${summary.info.slice(0, 45)}…` : summary.info;
    return info.startsWith(summary.protocol) ? info : `${summary.protocol} ${info}`;
  }
  const own = absolute ? null : initialAt(initial, `${summary.source}>${summary.destination}`, frame.sent);
  const other = absolute ? null : initialAt(initial, `${summary.destination}>${summary.source}`, frame.sent);
  let text = summary.flags || "TCP";
  if (summary.sequence != null) text += ` seq ${relative(summary.sequence, own)}`;
  if (summary.acknowledgment != null) text += ` ack ${relative(summary.acknowledgment, other)}`;
  if (summary.payload > 0) text += ` · ${summary.payload} B`;
  return text;
}

/// The same, and shorter and shorter, for arrows with less and less room.
export function wordings(frame: Frame, initial: Initials, absolute: boolean): string[] {
  const { summary } = frame;
  const all = [label(frame, initial, absolute)];
  if (summary.protocol === "TCP") {
    const sequence = all[0].match(/seq \d+/)?.[0];
    const acknowledgment = all[0].match(/ack \d+/)?.[0];
    if (summary.payload > 0) all.push(`${sequence} · ${summary.payload} B`, `${summary.payload} B`);
    else if (summary.flags === "ACK") all.push(`${acknowledgment}`, "ACK");
    else all.push(`${summary.flags} ${sequence}`, summary.flags);
    return all;
  }
  const info = summary.info;
  const asked = info.match(/^who has (\S+)\?/);
  const told = info.match(/^(\S+) is at/);
  if (asked) all.push(`who has ${asked[1]}?`, "who has?");
  else if (told) all.push(`${told[1]} is here`, "is here");
  else if (info.startsWith("echo ")) all.push(info, info.replace(/ \d+$/, ""), info.split(" ")[1]);
  else if (info !== "") all.push(info, info.split(",")[0]);
  else if (summary.payload > 0) all.push(`${summary.payload} B`);
  all.push(summary.protocol);
  return all;
}

export function endpointName(trace: Trace, index: number): string {
  const endpoint: Endpoint = trace.endpoints[index];
  const name = trace.nodes[endpoint.node]?.name ?? "";
  if (endpoint.kind === "listener") return `${name} :${port(endpoint.local)}`;
  return `${name} :${port(endpoint.local)}`;
}

export const port = (address: string): string => address.slice(address.lastIndexOf(":") + 1);

/// Hex digits as bytes.
export function fromHex(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length >> 1);
  for (let index = 0; index < bytes.length; index++) bytes[index] = parseInt(hex.slice(index * 2, index * 2 + 2), 16);
  return bytes;
}
