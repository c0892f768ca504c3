// Bytes that are read as fields. Nothing outside of them is ever touched: a frame may be cut or damaged.

import type { Layer, Text } from "../types";

export class Reader {
  readonly layers: Layer[] = [];
  private readonly bytes: Uint8Array;
  private layer!: Layer;

  constructor(bytes: Uint8Array) { this.bytes = bytes; }

  get length(): number { return this.bytes.length; }
  byte(at: number): number { return this.bytes[at] ?? 0; }
  word(at: number): number { return this.byte(at) * 256 + this.byte(at + 1); }
  long(at: number): number { return this.word(at) * 65536 + this.word(at + 2); }
  dotted(at: number): string { return [0, 1, 2, 3].map((place) => this.byte(at + place)).join("."); }
  mac(at: number): string { return [...this.bytes.subarray(at, at + 6)].map((byte) => byte.toString(16).padStart(2, "0")).join(":"); }
  six(at: number): string {
    return compressed(Array.from({ length: 8 }, (_, place) => this.word(at + place * 2)));
  }
  text(begin: number, end: number): string {
    return new TextDecoder().decode(this.bytes.subarray(begin, end)).replace(/[\u0000-\u001f\u007f]/g, "·");
  }

  digits(begin: number, length: number): string { return [...this.bytes.subarray(begin, begin + length)].map((byte) => byte.toString(16).padStart(2, "0")).join(""); }

  begin(name: string, begin: number, end: number): void {
    this.layer = { name, begin, end: Math.min(end, this.length), fields: [] };
    if (begin < this.length) this.layers.push(this.layer);
  }
  /// The layer turns out to be longer than thought.
  grow(end: number): void { this.layer.end = Math.min(end, this.length); }
  field(en: string, zh: string, begin: number, length: number, value: string | number, note: Text | null = null, bits: [number, number] | null = null): void {
    if (begin + length > this.length) return;
    this.layer.fields.push({ name: { en, zh }, begin, end: begin + length, bits, value: String(value), note });
  }
}

/// RFC 5952 4: the longest run of zeros, if there are two or more, is left out; of equally long ones the first.
function compressed(words: number[]): string {
  let [best, most] = [0, 1];
  for (let from = 0; from < words.length; from++) {
    let end = from;
    while (end < words.length && words[end] === 0) end++;
    if (end - from > most) [best, most] = [from, end - from];
  }
  const text = (part: number[]) => part.map((word) => word.toString(16)).join(":");
  return most < 2 ? text(words) : `${text(words.slice(0, best))}::${text(words.slice(best + most))}`;
}

export const hex = (value: number, digits = 4) => `0x${value.toString(16).padStart(digits, "0")}`;
export const same = (text: string): Text => ({ en: text, zh: text });

/// What no header of ours claims.
export function data(r: Reader, begin: number, end: number): void {
  if (begin >= end || begin >= r.length) return;
  r.begin("Data", begin, end);
  const stop = Math.min(end, r.length);
  r.field("bytes", "字节", begin, stop - begin, `${stop - begin} B`);
  r.field("as UTF-8", "按 UTF-8 解读", begin, Math.min(stop - begin, 256), r.text(begin, Math.min(stop, begin + 256)));
}

