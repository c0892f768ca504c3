// Opens a frame layer by layer: which bytes are which field. Reads only what is there: a frame may be cut or damaged.

import { fromHex } from "./format";
import type { Dissection, Field, Layer, Text } from "./types";

const ETHERTYPES: Record<number, string> = { 0x0800: "IPv4", 0x0806: "ARP", 0x86dd: "IPv6" };
const PROTOCOLS: Record<number, string> = { 1: "ICMP", 2: "IGMP", 6: "TCP", 17: "UDP", 58: "ICMPv6" };
const ICMP: Record<number, string> = { 0: "echo reply", 3: "destination unreachable", 5: "redirect", 8: "echo request", 11: "time exceeded", 12: "parameter problem" };

class Reader {
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
    const words = Array.from({ length: 8 }, (_, place) => this.word(at + place * 2).toString(16));
    return words.join(":").replace(/(^|:)(0(:0)+)(:|$)/, "::");
  }
  text(begin: number, end: number): string {
    return new TextDecoder().decode(this.bytes.subarray(begin, end)).replace(/[\u0000-\u001f\u007f]/g, "·");
  }

  begin(name: string, begin: number, end: number): void {
    this.layer = { name, begin, end: Math.min(end, this.length), fields: [] };
    if (begin < this.length) this.layers.push(this.layer);
  }
  field(en: string, zh: string, begin: number, length: number, value: string | number, note: Text | null = null, bits: [number, number] | null = null): void {
    if (begin + length > this.length) return;
    this.layer.fields.push({ name: { en, zh }, begin, end: begin + length, bits, value: String(value), note });
  }
}

const hex = (value: number, digits = 4) => `0x${value.toString(16).padStart(digits, "0")}`;
const same = (text: string): Text => ({ en: text, zh: text });

export function dissect(given: string): Dissection {
  const reader = new Reader(fromHex(given));
  ethernet(reader);
  return { layers: reader.layers };
}

function ethernet(r: Reader): void {
  const type = r.word(12);
  r.begin("Ethernet II", 0, 14);
  const group = (at: number): Text | null =>
    r.mac(at) === "ff:ff:ff:ff:ff:ff" ? { en: "broadcast: every station of the segment", zh: "广播:网段内所有站点" }
      : r.byte(at) & 1 ? { en: "multicast: a group of stations", zh: "组播:一组站点" }
        : r.byte(at) & 2 ? { en: "locally administered, not a vendor's", zh: "本地管理的地址,不属于厂商" } : null;
  r.field("destination", "目的地址", 0, 6, r.mac(0), group(0));
  r.field("source", "源地址", 6, 6, r.mac(6), group(6));
  r.field("type", "类型", 12, 2, hex(type), ETHERTYPES[type] ? same(ETHERTYPES[type]) : null);
  if (type === 0x0800) ipv4(r, 14);
  else if (type === 0x0806) arp(r, 14);
  else if (type === 0x86dd) ipv6(r, 14);
  else data(r, 14, r.length);
}

function arp(r: Reader, at: number): void {
  r.begin("ARP", at, at + 28);
  r.field("hardware", "硬件类型", at, 2, r.word(at), r.word(at) === 1 ? same("Ethernet") : null);
  r.field("protocol", "协议类型", at + 2, 2, hex(r.word(at + 2)), ETHERTYPES[r.word(at + 2)] ? same(ETHERTYPES[r.word(at + 2)]) : null);
  r.field("hardware length", "硬件地址长度", at + 4, 1, r.byte(at + 4));
  r.field("protocol length", "协议地址长度", at + 5, 1, r.byte(at + 5));
  const operation = r.word(at + 6);
  r.field("operation", "操作", at + 6, 2, operation, operation === 1 ? { en: "request: who has the address?", zh: "请求:谁有这个地址?" } : operation === 2 ? { en: "reply", zh: "应答" } : null);
  r.field("sender hardware", "发送方硬件地址", at + 8, 6, r.mac(at + 8));
  r.field("sender address", "发送方地址", at + 14, 4, r.dotted(at + 14));
  r.field("target hardware", "目标硬件地址", at + 18, 6, r.mac(at + 18));
  r.field("target address", "目标地址", at + 24, 4, r.dotted(at + 24));
  padding(r, at + 28, r.length);
}

function ipv4(r: Reader, at: number): void {
  const header = Math.max((r.byte(at) & 15) * 4, 20);
  const total = r.word(at + 2);
  const protocol = r.byte(at + 9);
  const fragment = r.word(at + 6);
  r.begin("IPv4", at, at + header);
  r.field("version", "版本", at, 1, r.byte(at) >> 4, null, [0, 4]);
  r.field("header length", "首部长度", at, 1, `${header} B`, null, [4, 4]);
  r.field("service", "区分服务", at + 1, 1, hex(r.byte(at + 1) >> 2, 2), null, [0, 6]);
  r.field("congestion", "显式拥塞通知", at + 1, 1, r.byte(at + 1) & 3, null, [6, 2]);
  r.field("total length", "总长度", at + 2, 2, `${total} B`);
  r.field("identification", "标识", at + 4, 2, hex(r.word(at + 4)));
  r.field("don't fragment", "禁止分片", at + 6, 1, (fragment >> 14) & 1, null, [1, 1]);
  r.field("more fragments", "更多分片", at + 6, 1, (fragment >> 13) & 1, null, [2, 1]);
  r.field("fragment offset", "片偏移", at + 6, 2, `${(fragment & 0x1fff) * 8} B`, null, [3, 13]);
  r.field("time to live", "生存时间", at + 8, 1, r.byte(at + 8));
  r.field("protocol", "协议", at + 9, 1, protocol, PROTOCOLS[protocol] ? same(PROTOCOLS[protocol]) : null);
  r.field("checksum", "校验和", at + 10, 2, hex(r.word(at + 10)));
  r.field("source", "源地址", at + 12, 4, r.dotted(at + 12));
  r.field("destination", "目的地址", at + 16, 4, r.dotted(at + 16));
  if (header > 20) r.field("options", "选项", at + 20, header - 20, `${header - 20} B`);
  const end = Math.min(at + Math.max(total, header), r.length);
  if ((fragment & 0x1fff) !== 0) data(r, at + header, end);
  else upper(r, protocol, at + header, end);
  padding(r, end, r.length);
}

function ipv6(r: Reader, at: number): void {
  const protocol = r.byte(at + 6);
  r.begin("IPv6", at, at + 40);
  r.field("version", "版本", at, 1, r.byte(at) >> 4, null, [0, 4]);
  r.field("flow label", "流标签", at + 1, 3, hex(r.long(at) & 0xfffff, 5), null, [4, 20]);
  r.field("payload length", "载荷长度", at + 4, 2, `${r.word(at + 4)} B`);
  r.field("next header", "下一首部", at + 6, 1, protocol, PROTOCOLS[protocol] ? same(PROTOCOLS[protocol]) : null);
  r.field("hop limit", "跳数限制", at + 7, 1, r.byte(at + 7));
  r.field("source", "源地址", at + 8, 16, r.six(at + 8));
  r.field("destination", "目的地址", at + 24, 16, r.six(at + 24));
  upper(r, protocol, at + 40, Math.min(at + 40 + r.word(at + 4), r.length));
}

function upper(r: Reader, protocol: number, at: number, end: number): void {
  if (protocol === 6) tcp(r, at, end);
  else if (protocol === 17) udp(r, at, end);
  else if (protocol === 1 || protocol === 58) icmp(r, protocol, at, end);
  else data(r, at, end);
}

function tcp(r: Reader, at: number, end: number): void {
  const header = Math.max((r.byte(at + 12) >> 4) * 4, 20);
  r.begin("TCP", at, at + header);
  r.field("source port", "源端口", at, 2, r.word(at));
  r.field("destination port", "目的端口", at + 2, 2, r.word(at + 2));
  r.field("sequence", "序列号", at + 4, 4, r.long(at + 4));
  r.field("acknowledgment", "确认号", at + 8, 4, r.long(at + 8), r.byte(at + 13) & 16 ? { en: "the next byte that is expected", zh: "期待的下一个字节" } : { en: "means nothing: ACK is not set", zh: "无意义:ACK 未置位" });
  r.field("header length", "首部长度", at + 12, 1, `${header} B`, null, [0, 4]);
  ["CWR", "ECE", "URG", "ACK", "PSH", "RST", "SYN", "FIN"].forEach((name, bit) => r.field(name, name, at + 13, 1, (r.byte(at + 13) >> (7 - bit)) & 1, null, [bit, 1]));
  r.field("window", "窗口", at + 14, 2, r.word(at + 14), { en: "before scaling", zh: "未经缩放" });
  r.field("checksum", "校验和", at + 16, 2, hex(r.word(at + 16)));
  r.field("urgent pointer", "紧急指针", at + 18, 2, r.word(at + 18));
  options(r, at + 20, Math.min(at + header, end));
  data(r, at + header, end);
}

function options(r: Reader, from: number, end: number): void {
  let at = from;
  while (at < end) {
    const kind = r.byte(at);
    if (kind === 0) { r.field("end of options", "选项结束", at, end - at, ""); return; }
    if (kind === 1) { r.field("no operation", "空操作", at, 1, ""); at += 1; continue; }
    const length = r.byte(at + 1);
    if (length < 2 || at + length > end) { r.field("broken option", "损坏的选项", at, end - at, ""); return; }
    if (kind === 2) r.field("maximum segment size", "最大报文段长度", at, length, `${r.word(at + 2)} B`);
    else if (kind === 3) r.field("window scale", "窗口缩放", at, length, `× ${2 ** r.byte(at + 2)}`);
    else if (kind === 4) r.field("SACK permitted", "允许选择确认", at, length, "✓");
    else if (kind === 5) {
      const blocks = Array.from({ length: (length - 2) >> 3 }, (_, place) => `${r.long(at + 2 + place * 8)}–${r.long(at + 6 + place * 8)}`);
      r.field("SACK", "选择确认", at, length, blocks.join(", "), { en: "received beyond the acknowledgment", zh: "确认号之后已收到的部分" });
    } else if (kind === 8) {
      r.field("timestamp", "时间戳", at, length, `${r.long(at + 2)}, ${r.long(at + 6)}`, { en: "own, and the peer's sent back", zh: "自己的时间,以及回送对端的时间" });
    } else r.field(`option ${kind}`, `选项 ${kind}`, at, length, `${length} B`);
    at += length;
  }
}

function udp(r: Reader, at: number, end: number): void {
  r.begin("UDP", at, at + 8);
  r.field("source port", "源端口", at, 2, r.word(at));
  r.field("destination port", "目的端口", at + 2, 2, r.word(at + 2));
  r.field("length", "长度", at + 4, 2, `${r.word(at + 4)} B`);
  r.field("checksum", "校验和", at + 6, 2, hex(r.word(at + 6)));
  data(r, at + 8, end);
}

function icmp(r: Reader, protocol: number, at: number, end: number): void {
  r.begin(PROTOCOLS[protocol], at, at + 8);
  r.field("type", "类型", at, 1, r.byte(at), protocol === 1 && ICMP[r.byte(at)] ? same(ICMP[r.byte(at)]) : null);
  r.field("code", "代码", at + 1, 1, r.byte(at + 1));
  r.field("checksum", "校验和", at + 2, 2, hex(r.word(at + 2)));
  r.field("rest of header", "首部其余部分", at + 4, 4, hex(r.long(at + 4), 8));
  data(r, at + 8, end);
}

function data(r: Reader, begin: number, end: number): void {
  if (begin >= end || begin >= r.length) return;
  r.begin("Data", begin, end);
  const stop = Math.min(end, r.length);
  r.field("bytes", "字节", begin, stop - begin, `${stop - begin} B`);
  r.field("as UTF-8", "按 UTF-8 解读", begin, Math.min(stop - begin, 256), r.text(begin, Math.min(stop, begin + 256)));
}

function padding(r: Reader, begin: number, end: number): void {
  if (begin >= end) return;
  r.begin("Padding", begin, end);
  r.field("padding", "填充", begin, end - begin, `${end - begin} B`, { en: "an Ethernet frame has at least 60 bytes", zh: "以太网帧至少 60 字节" });
}

export type { Field };
