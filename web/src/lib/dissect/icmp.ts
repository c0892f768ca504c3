// ICMP and ICMPv6, with neighbour discovery and multicast listeners.

import { data, hex, type Reader } from "./reader";
import type { Text } from "../types";

type Names = Record<number, Text>;
/// Opens the packet that an error sends back.
type Open = (r: Reader, at: number, end: number) => void;
const text = (en: string, zh: string): Text => ({ en, zh });

const TYPES: Names = {
  0: text("echo reply", "回显应答"), 3: text("destination unreachable", "目的不可达"), 4: text("source quench", "源抑制"), 5: text("redirect", "重定向"), 8: text("echo request", "回显请求"),
  11: text("time exceeded", "超时"), 12: text("parameter problem", "参数问题"), 13: text("timestamp request", "时间戳请求"), 14: text("timestamp reply", "时间戳应答"),
};
const UNREACHABLE: Names = {
  0: text("network unreachable", "网络不可达"), 1: text("host unreachable", "主机不可达"), 2: text("protocol unreachable", "协议不可达"), 3: text("port unreachable", "端口不可达"),
  4: text("fragmentation needed", "需要分片"), 13: text("prohibited", "被禁止"),
};
const TYPES6: Names = {
  1: text("destination unreachable", "目的不可达"), 2: text("packet too big", "包过大"), 3: text("time exceeded", "超时"), 4: text("parameter problem", "参数问题"), 128: text("echo request", "回显请求"), 129: text("echo reply", "回显应答"),
  130: text("multicast listener query", "组播侦听查询"), 131: text("multicast listener report", "组播侦听报告"), 132: text("multicast listener done", "组播侦听结束"),
  133: text("router solicitation", "路由器请求"), 134: text("router advertisement", "路由器通告"), 135: text("neighbour solicitation", "邻居请求"), 136: text("neighbour advertisement", "邻居通告"), 137: text("redirect", "重定向"),
  143: text("multicast listener report, version 2", "组播侦听报告第 2 版"),
};
const UNREACHABLE6: Names = {
  0: text("no route", "没有路由"), 1: text("prohibited", "被禁止"), 2: text("beyond the source's scope", "超出源地址范围"), 3: text("address unreachable", "地址不可达"), 4: text("port unreachable", "端口不可达"),
};

function head(r: Reader, name: string, at: number, types: Names, codes: Names, unreachable: number): void {
  r.begin(name, at, at + 8);
  const type = r.byte(at);
  r.field("type", "类型", at, 1, type, types[type] ?? null);
  r.field("code", "代码", at + 1, 1, r.byte(at + 1), type === unreachable ? (codes[r.byte(at + 1)] ?? null) : null);
  r.field("checksum", "校验和", at + 2, 2, hex(r.word(at + 2)));
}

function echo(r: Reader, at: number, end: number): void {
  r.field("identifier", "标识符", at + 4, 2, hex(r.word(at + 4)));
  r.field("sequence", "序号", at + 6, 2, r.word(at + 6));
  data(r, at + 8, end);
}

export function icmp(r: Reader, at: number, end: number, open: Open): void {
  head(r, "ICMP", at, TYPES, UNREACHABLE, 3);
  const type = r.byte(at);
  if (type === 0 || type === 8) return echo(r, at, end);
  if (type === 3 && r.byte(at + 1) === 4) r.field("next hop takes", "下一跳可容纳", at + 6, 2, `${r.word(at + 6)} B`);
  else if (type === 5) r.field("gateway", "网关", at + 4, 4, r.dotted(at + 4));
  else if (type === 12) r.field("at byte", "所在字节", at + 4, 1, r.byte(at + 4));
  else r.field("unused", "未使用", at + 4, 4, hex(r.long(at + 4), 8));
  if ([3, 4, 5, 11, 12].includes(type)) open(r, at + 8, end);
  else data(r, at + 8, end);
}

export function icmpv6(r: Reader, at: number, end: number, open: Open): void {
  head(r, "ICMPv6", at, TYPES6, UNREACHABLE6, 1);
  const type = r.byte(at);
  if (type === 128 || type === 129) return echo(r, at, end);
  if (type >= 130 && type <= 132) return listener(r, at, end);
  if (type === 143) return reports(r, at, end);
  if (type >= 133 && type <= 137) return discovery(r, type, at, end);
  if (type === 2) r.field("next hop takes", "下一跳可容纳", at + 4, 4, `${r.long(at + 4)} B`);
  else if (type === 4) r.field("at byte", "所在字节", at + 4, 4, r.long(at + 4));
  else r.field("unused", "未使用", at + 4, 4, hex(r.long(at + 4), 8));
  if (type < 128) open(r, at + 8, end);
  else data(r, at + 8, end);
}

/// RFC 4861 4.1 to 4.5.
function discovery(r: Reader, type: number, at: number, end: number): void {
  let options = at + 8;
  if (type === 134) {
    r.grow(at + 16);
    r.field("hop limit to use", "应使用的跳数限制", at + 4, 1, r.byte(at + 4));
    r.field("addresses by DHCPv6", "地址由 DHCPv6 分配", at + 5, 1, r.byte(at + 5) >> 7, null, [0, 1]);
    r.field("the rest by DHCPv6", "其余由 DHCPv6 提供", at + 5, 1, (r.byte(at + 5) >> 6) & 1, null, [1, 1]);
    r.field("router's lifetime", "路由器寿命", at + 6, 2, `${r.word(at + 6)} s`);
    r.field("reachable for", "可达时间", at + 8, 4, `${r.long(at + 8)} ms`);
    r.field("solicit again after", "重发请求间隔", at + 12, 4, `${r.long(at + 12)} ms`);
    options = at + 16;
  } else if (type >= 135) {
    r.grow(at + (type === 137 ? 40 : 24));
    if (type === 136) {
      const flags = r.byte(at + 4);
      r.field("is a router", "是路由器", at + 4, 1, flags >> 7, null, [0, 1]);
      r.field("was asked", "应请求而发", at + 4, 1, (flags >> 6) & 1, null, [1, 1]);
      r.field("overrides", "覆盖旧值", at + 4, 1, (flags >> 5) & 1, null, [2, 1]);
    }
    r.field("target", "目标", at + 8, 16, r.six(at + 8), type === 135 ? text("who has this address?", "谁有这个地址？") : null);
    if (type === 137) r.field("destination", "目的地址", at + 24, 16, r.six(at + 24));
    options = at + (type === 137 ? 40 : 24);
  }
  while (options < end && options < r.length) options = discovered(r, options, end);
}

/// One option of neighbour discovery; returns where the next one begins.
function discovered(r: Reader, at: number, end: number): number {
  const [kind, length] = [r.byte(at), r.byte(at + 1) * 8];
  if (length === 0 || at + length > end) { data(r, at, end); return end; }
  r.begin("NDP option", at, at + length);
  const name = { 1: text("source's hardware address", "源的硬件地址"), 2: text("target's hardware address", "目标的硬件地址"), 3: text("prefix", "前缀"), 4: text("redirected header", "被重定向的首部"), 5: text("MTU", "MTU"), 14: text("nonce", "随机数"), 24: text("route", "路由"), 25: text("name servers", "域名服务器"), 31: text("search list", "搜索列表") }[kind];
  r.field("kind", "种类", at, 1, kind, name ?? null);
  r.field("length", "长度", at + 1, 1, `${length} B`);
  if ((kind === 1 || kind === 2) && length === 8) r.field("hardware address", "硬件地址", at + 2, 6, r.mac(at + 2));
  else if (kind === 3 && length === 32) {
    r.field("prefix length", "前缀长度", at + 2, 1, r.byte(at + 2));
    r.field("on this link", "在本链路上", at + 3, 1, r.byte(at + 3) >> 7, null, [0, 1]);
    r.field("for addresses of one's own", "可自行生成地址", at + 3, 1, (r.byte(at + 3) >> 6) & 1, null, [1, 1]);
    r.field("valid for", "有效期", at + 4, 4, `${r.long(at + 4)} s`);
    r.field("preferred for", "首选期", at + 8, 4, `${r.long(at + 8)} s`);
    r.field("prefix", "前缀", at + 16, 16, r.six(at + 16));
  } else if (kind === 5 && length === 8) r.field("MTU", "MTU", at + 4, 4, `${r.long(at + 4)} B`);
  else if (kind === 25 && length >= 24) {
    r.field("valid for", "有效期", at + 4, 4, `${r.long(at + 4)} s`);
    for (let server = at + 8; server + 16 <= at + length; server += 16) r.field("name server", "域名服务器", server, 16, r.six(server));
  } else r.field("contents", "内容", at + 2, length - 2, r.digits(at + 2, length - 2));
  return at + length;
}

/// RFC 2710 3.
function listener(r: Reader, at: number, end: number): void {
  r.grow(at + 24);
  r.field("answer within", "应答时限", at + 4, 2, `${r.word(at + 4)} ms`);
  r.field("group", "组", at + 8, 16, r.six(at + 8));
  data(r, at + 24, end);
}

/// RFC 9777 5.2.
function reports(r: Reader, at: number, end: number): void {
  const count = r.word(at + 6);
  r.field("groups", "组数", at + 6, 2, count);
  let group = at + 8;
  for (let number = 0; number < count && group + 20 <= Math.min(end, r.length); number++) {
    const length = 20 + r.word(group + 2) * 16 + r.byte(group + 1) * 4;
    r.begin("MLD group", group, group + length);
    r.field("kind", "种类", group, 1, r.byte(group), { 1: text("only these sources", "只收这些源"), 2: text("all but these sources", "除这些源之外"), 3: text("from now on only these", "改为只收这些"), 4: text("from now on all but these", "改为除这些之外"), 5: text("these as well", "增加这些"), 6: text("these no longer", "不再收这些") }[r.byte(group)] ?? null);
    r.field("group", "组", group + 4, 16, r.six(group + 4));
    group += length;
  }
  data(r, group, end);
}
