// Opens a frame layer by layer: which bytes are which field. The only place of the page that knows this; the module knows what
// a frame means to the experiment, and says it in its summary.

import { icmp, icmpv6 } from "./dissect/icmp";
import { data, hex, Reader, same } from "./dissect/reader";
import { tcp, udp } from "./dissect/transport";
import { fromHex } from "./format";
import type { Dissection, Text } from "./types";

const ETHERTYPES: Record<number, string> = { 0x0800: "IPv4", 0x0806: "ARP", 0x8100: "802.1Q", 0x86dd: "IPv6" };
const PROTOCOLS: Record<number, string> = { 0: "hop-by-hop options", 1: "ICMP", 2: "IGMP", 6: "TCP", 17: "UDP", 43: "routing", 44: "fragment", 50: "ESP", 51: "AH", 58: "ICMPv6", 59: "nothing", 60: "destination options" };

export function dissect(given: string): Dissection {
  const reader = new Reader(fromHex(given));
  // A network without hardware addresses carries bare packets; no Ethernet frame of ours begins like one.
  const version = reader.byte(0) >> 4;
  const bare = reader.length >= 20 && (version === 4 ? reader.word(2) === reader.length && (reader.byte(0) & 15) >= 5 : version === 6 && reader.word(4) + 40 === reader.length);
  if (bare) packet(reader, 0, reader.length);
  else ethernet(reader);
  return { layers: reader.layers };
}

/// An IP packet of either version.
function packet(r: Reader, at: number, end: number): void {
  const version = r.byte(at) >> 4;
  if (version === 4 && end - at >= 20) ipv4(r, at, end);
  else if (version === 6 && end - at >= 40) ipv6(r, at, end);
  else data(r, at, end);
}

function ethernet(r: Reader): void {
  const type = r.word(12);
  r.begin("Ethernet II", 0, 14);
  const group = (at: number): Text | null =>
    r.mac(at) === "ff:ff:ff:ff:ff:ff" ? { en: "broadcast: every station of the segment", zh: "广播：网段内所有站点" }
      : r.byte(at) & 1 ? { en: "multicast: a group of stations", zh: "组播：一组站点" }
        : r.byte(at) & 2 ? { en: "locally administered, not a vendor's", zh: "本地管理的地址，不属于厂商" } : null;
  r.field("destination", "目的地址", 0, 6, r.mac(0), group(0));
  r.field("source", "源地址", 6, 6, r.mac(6), group(6));
  r.field("type", "类型", 12, 2, hex(type), ETHERTYPES[type] ? same(ETHERTYPES[type]) : null);
  if (type === 0x0800) ipv4(r, 14, r.length);
  else if (type === 0x0806) arp(r, 14);
  else if (type === 0x86dd) ipv6(r, 14, r.length);
  else data(r, 14, r.length);
}

function arp(r: Reader, at: number): void {
  r.begin("ARP", at, at + 28);
  r.field("hardware", "硬件类型", at, 2, r.word(at), r.word(at) === 1 ? same("Ethernet") : null);
  r.field("protocol", "协议类型", at + 2, 2, hex(r.word(at + 2)), ETHERTYPES[r.word(at + 2)] ? same(ETHERTYPES[r.word(at + 2)]) : null);
  r.field("hardware length", "硬件地址长度", at + 4, 1, r.byte(at + 4));
  r.field("protocol length", "协议地址长度", at + 5, 1, r.byte(at + 5));
  const operation = r.word(at + 6);
  r.field("operation", "操作", at + 6, 2, operation, operation === 1 ? { en: "request: who has the address?", zh: "请求：谁有这个地址？" } : operation === 2 ? { en: "reply", zh: "应答" } : null);
  r.field("sender hardware", "发送方硬件地址", at + 8, 6, r.mac(at + 8));
  r.field("sender address", "发送方地址", at + 14, 4, r.dotted(at + 14));
  r.field("target hardware", "目标硬件地址", at + 18, 6, r.mac(at + 18));
  r.field("target address", "目标地址", at + 24, 4, r.dotted(at + 24));
  padding(r, at + 28, r.length);
}

function ipv4(r: Reader, at: number, most: number): void {
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
  const end = Math.min(at + Math.max(total, header), most, r.length);
  if ((fragment & 0x1fff) !== 0) data(r, at + header, end);
  else upper(r, protocol, at + header, end);
  padding(r, end, Math.min(most, r.length));
}

function ipv6(r: Reader, at: number, most: number): void {
  const first = r.byte(at + 6);
  r.begin("IPv6", at, at + 40);
  r.field("version", "版本", at, 1, r.byte(at) >> 4, null, [0, 4]);
  r.field("service", "区分服务", at, 2, hex((r.word(at) >> 6) & 63, 2), null, [4, 6]);
  r.field("congestion", "显式拥塞通知", at + 1, 1, (r.byte(at + 1) >> 4) & 3, null, [2, 2]);
  r.field("flow label", "流标签", at + 1, 3, hex(r.long(at) & 0xfffff, 5), null, [4, 20]);
  r.field("payload length", "载荷长度", at + 4, 2, `${r.word(at + 4)} B`);
  r.field("next header", "下一首部", at + 6, 1, first, named(first));
  r.field("hop limit", "跳数限制", at + 7, 1, r.byte(at + 7));
  r.field("source", "源地址", at + 8, 16, r.six(at + 8), scope(r, at + 8));
  r.field("destination", "目的地址", at + 24, 16, r.six(at + 24), scope(r, at + 24));
  const end = Math.min(at + 40 + r.word(at + 4), most, r.length);
  extensions(r, first, at + 40, end);
  padding(r, end, Math.min(most, r.length));
}

function named(protocol: number): Text | null {
  return PROTOCOLS[protocol] ? same(PROTOCOLS[protocol]) : null;
}

function scope(r: Reader, at: number): Text | null {
  if (r.byte(at) === 0xff) return { en: "multicast: a group", zh: "组播：一组接收者" };
  if (r.byte(at) === 0xfe && (r.byte(at + 1) & 0xc0) === 0x80) return { en: "of this link only", zh: "仅限本链路" };
  return r.six(at) === "::" ? { en: "no address yet", zh: "尚无地址" } : null;
}

/// RFC 8200 4: one extension header after the other, and then what they carry.
function extensions(r: Reader, first: number, from: number, end: number): void {
  let [protocol, at] = [first, from];
  while ([0, 43, 44, 51, 60].includes(protocol) && at + 8 <= end) {
    const next = r.byte(at);
    const length = protocol === 44 ? 8 : protocol === 51 ? (r.byte(at + 1) + 2) * 4 : (r.byte(at + 1) + 1) * 8;
    if (at + length > end) break;
    r.begin({ 0: "IPv6 hop-by-hop options", 43: "IPv6 routing", 44: "IPv6 fragment", 51: "IPv6 authentication", 60: "IPv6 destination options" }[protocol]!, at, at + length);
    r.field("next header", "下一首部", at, 1, next, named(next));
    if (protocol === 44) {
      const offset = r.word(at + 2) >> 3;
      r.field("fragment offset", "片偏移", at + 2, 2, `${offset * 8} B`, null, [0, 13]);
      r.field("more fragments", "更多分片", at + 3, 1, r.byte(at + 3) & 1, null, [7, 1]);
      r.field("identification", "标识", at + 4, 4, hex(r.long(at + 4), 8));
      if (offset > 0) return data(r, at + 8, end);
    } else {
      r.field("length", "长度", at + 1, 1, `${length} B`);
      if (protocol === 0 || protocol === 60) headerOptions(r, at + 2, at + length);
      else if (protocol === 43) {
        r.field("routing type", "路由类型", at + 2, 1, r.byte(at + 2));
        r.field("segments left", "剩余段数", at + 3, 1, r.byte(at + 3));
        r.field("contents", "内容", at + 4, length - 4, r.digits(at + 4, length - 4));
      } else r.field("contents", "内容", at + 2, length - 2, r.digits(at + 2, length - 2));
    }
    [protocol, at] = [next, at + length];
  }
  if (protocol !== 59) upper(r, protocol, at, end);
  else data(r, at, end);
}

/// RFC 8200 4.2.
function headerOptions(r: Reader, from: number, end: number): void {
  let at = from;
  while (at < end) {
    const kind = r.byte(at);
    if (kind === 0) { r.field("padding", "填充", at, 1, "1 B"); at += 1; continue; }
    const length = at + 1 < end ? r.byte(at + 1) + 2 : 0;
    if (length < 2 || at + length > end) { r.field("broken option", "损坏的选项", at, end - at, `kind ${kind}`); return; }
    if (kind === 1) r.field("padding", "填充", at, length, `${length} B`);
    else if (kind === 5 && length === 4) r.field("router alert", "路由器警示", at, length, r.word(at + 2));
    else r.field(`option ${kind}`, `选项 ${kind}`, at, length, r.digits(at + 2, length - 2));
    at += length;
  }
}

function upper(r: Reader, protocol: number, at: number, end: number): void {
  if (protocol === 6) tcp(r, at, end);
  else if (protocol === 17) udp(r, at, end);
  else if (protocol === 1) icmp(r, at, end, packet);
  else if (protocol === 58) icmpv6(r, at, end, packet);
  else data(r, at, end);
}

function padding(r: Reader, begin: number, end: number): void {
  if (begin >= end) return;
  r.begin("Padding", begin, end);
  r.field("padding", "填充", begin, end - begin, `${end - begin} B`, { en: "an Ethernet frame has at least 60 bytes", zh: "以太网帧至少 60 字节" });
}
