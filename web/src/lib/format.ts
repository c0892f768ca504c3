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

/// The initial sequence numbers by which each direction counts, from the frames that a trace holds.
export function initials(trace: { frames: Frame[] }): Map<string, number> {
  const found = new Map<string, number>();
  for (const { summary } of trace.frames) {
    if (summary.protocol !== "TCP" || summary.sequence == null || !summary.flags.includes("SYN")) continue;
    const key = `${summary.source}>${summary.destination}`;
    found.set(key, summary.sequence);
  }
  return found;
}

/// What stands on a frame's arrow.
export function label(frame: Frame, initial: Map<string, number>, absolute: boolean): string {
  const { summary } = frame;
  if (summary.protocol !== "TCP") {
    const info = summary.info.length > 46 ? `${summary.info.slice(0, 45)}…` : summary.info;
    return info.startsWith(summary.protocol) ? info : `${summary.protocol} ${info}`;
  }
  const own = absolute ? null : initial.get(`${summary.source}>${summary.destination}`);
  const other = absolute ? null : initial.get(`${summary.destination}>${summary.source}`);
  let text = summary.flags || "TCP";
  if (summary.sequence != null) text += ` seq ${relative(summary.sequence, own)}`;
  if (summary.acknowledgment != null) text += ` ack ${relative(summary.acknowledgment, other)}`;
  if (summary.payload > 0) text += ` · ${summary.payload} B`;
  return text;
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
