// TCP with its options, and UDP.

import { data, hex, type Reader } from "./reader";

export function tcp(r: Reader, at: number, end: number): void {
  const header = Math.max((r.byte(at + 12) >> 4) * 4, 20);
  r.begin("TCP", at, at + header);
  r.field("source port", "源端口", at, 2, r.word(at));
  r.field("destination port", "目的端口", at + 2, 2, r.word(at + 2));
  r.field("sequence", "序列号", at + 4, 4, r.long(at + 4));
  r.field("acknowledgment", "确认号", at + 8, 4, r.long(at + 8), r.byte(at + 13) & 16 ? { en: "the next byte that is expected", zh: "期待的下一个字节" } : { en: "means nothing: ACK is not set", zh: "无意义：ACK 未置位" });
  r.field("header length", "首部长度", at + 12, 1, `${header} B`, null, [0, 4]);
  r.field("reserved", "保留", at + 12, 1, r.byte(at + 12) & 15, null, [4, 4]);
  ["CWR", "ECE", "URG", "ACK", "PSH", "RST", "SYN", "FIN"].forEach((name, bit) => r.field(name, name, at + 13, 1, (r.byte(at + 13) >> (7 - bit)) & 1, null, [bit, 1]));
  r.field("window", "窗口", at + 14, 2, r.word(at + 14), { en: "before scaling", zh: "未经缩放" });
  r.field("checksum", "校验和", at + 16, 2, hex(r.word(at + 16)));
  r.field("urgent pointer", "紧急指针", at + 18, 2, r.word(at + 18));
  options(r, at + 20, Math.min(at + header, end), r.long(at + 8));
  data(r, at + header, end);
}

/// The options that IANA lists and hosts still send; others are shown with their bytes.
function options(r: Reader, from: number, end: number, acknowledgment: number): void {
  let at = from;
  while (at < end) {
    const kind = r.byte(at);
    if (kind === 0) { r.field("end of options", "选项结束", at, end - at, ""); return; }
    if (kind === 1) { r.field("no operation", "空操作", at, 1, ""); at += 1; continue; }
    const length = at + 1 < end ? r.byte(at + 1) : 0;
    if (length < 2 || at + length > end) { r.field("broken option", "损坏的选项", at, end - at, `kind ${kind}`); return; }
    option(r, kind, at, length, acknowledgment);
    at += length;
  }
}

function option(r: Reader, kind: number, at: number, length: number, acknowledgment: number): void {
  if (kind === 2 && length === 4) r.field("maximum segment size", "最大报文段长度", at, length, `${r.word(at + 2)} B`);
  else if (kind === 3 && length === 3) r.field("window scale", "窗口缩放", at, length, `× ${2 ** Math.min(r.byte(at + 2), 14)}`, { en: `shift by ${r.byte(at + 2)}`, zh: `左移 ${r.byte(at + 2)} 位` });
  else if (kind === 4 && length === 2) r.field("SACK permitted", "允许选择确认", at, length, "✓");
  else if (kind === 5 && length % 8 === 2 && length > 2) blocks(r, at, length, acknowledgment);
  else if (kind === 8 && length === 10) {
    r.field("timestamp", "时间戳", at + 2, 4, r.long(at + 2), { en: "the sender's clock", zh: "发送方的时钟" });
    r.field("timestamp echo", "时间戳回显", at + 6, 4, r.long(at + 6), { en: "the peer's, sent back", zh: "对端时钟的回送" });
  } else if (kind === 19 && length === 18) r.field("MD5 signature", "MD5 签名", at, length, r.digits(at + 2, 16));
  else if (kind === 28 && length === 4) {
    const value = r.word(at + 2);
    r.field("user timeout", "用户超时", at, length, `${value & 0x7fff} ${value & 0x8000 ? "min" : "s"}`);
  } else if (kind === 29 && length >= 4) r.field("authentication (TCP-AO)", "认证（TCP-AO）", at, length, r.digits(at + 4, length - 4), { en: `key ${r.byte(at + 2)}, next ${r.byte(at + 3)}`, zh: `密钥 ${r.byte(at + 2)},下一个 ${r.byte(at + 3)}` });
  else if (kind === 30) r.field("Multipath TCP", "多路径 TCP", at, length, r.digits(at + 2, length - 2));
  else if (kind === 34) r.field("Fast Open cookie", "Fast Open cookie", at, length, length === 2 ? "?" : r.digits(at + 2, length - 2), length === 2 ? { en: "asks for one", zh: "请求一个" } : null);
  else r.field(`option ${kind}`, `选项 ${kind}`, at, length, r.digits(at + 2, length - 2));
}

/// RFC 2018 3; RFC 2883 4: the first block tells of what came twice if it lies below the acknowledgment or inside the second.
function blocks(r: Reader, at: number, length: number, acknowledgment: number): void {
  const before = (a: number, b: number) => ((b - a) | 0) >= 0;
  for (let place = 0; place * 8 + 2 < length; place++) {
    const begin = at + 2 + place * 8;
    const [left, right] = [r.long(begin), r.long(begin + 4)];
    const inside = length >= 18 && before(r.long(at + 10), left) && before(right, r.long(at + 14));
    const twice = place === 0 && (before(right, acknowledgment) || inside);
    r.field(twice ? "D-SACK" : "SACK", twice ? "重复的选择确认" : "选择确认", begin, 8, `${left}–${right}`, twice ? { en: "came twice", zh: "收到了两次" } : { en: "received beyond the acknowledgment", zh: "确认号之后已收到的部分" });
  }
}

export function udp(r: Reader, at: number, end: number): void {
  r.begin("UDP", at, at + 8);
  r.field("source port", "源端口", at, 2, r.word(at));
  r.field("destination port", "目的端口", at + 2, 2, r.word(at + 2));
  r.field("length", "长度", at + 4, 2, `${r.word(at + 4)} B`);
  r.field("checksum", "校验和", at + 6, 2, hex(r.word(at + 6)));
  data(r, at + 8, end);
}
