// The server's own network: frames as they pass, and a call that carries what is typed.

import { Layout } from "./ladder";
import { summarize, headers } from "./packet";
import { t } from "./i18n.svelte";
import type { Frame, Link, Node } from "./types";

/// One frame as a host's cable carried it; `at` in nanoseconds since the server began.
interface Passed { host: number; out: boolean; at: number; length: number; bytes: string }
interface Status { format: number; live: boolean; reason?: string; hosts?: { name: string; address: string; hardware: string }[]; longest?: number }
interface Answer { answer: string; local: string; remote: string; milliseconds: number }

/// So many frames are kept and drawn.
const MOST = 2000;
/// Calls of the last this many nanoseconds are told apart by silence.
const SILENCE = 1_500_000_000;

export class Live {
  state = $state<"asking" | "absent" | "open" | "broken">("asking");
  reason = $state("");
  nodes = $state.raw<Node[]>([]);
  frames = $state.raw<Frame[]>([]);
  layout = $state.raw<Layout | null>(null);
  answer = $state<{ text: string; local: string; remote: string; milliseconds: number } | null>(null);
  failure = $state("");
  sending = $state(false);
  lost = $state(0);
  bytes = $derived.by(() => this.count());
  end_time = Number.MAX_SAFE_INTEGER;

  private links: Link[] = [];
  private feed: EventSource | null = null;
  private longest = 1024;
  private base: number | null = null;
  private last = 0;
  private waiting = false;
  private numbers = new Map<string, number>();
  /// Names the feed that may see the bytes of the calls made here.
  private readonly client = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  async begin(): Promise<void> {
    try {
      const response = await fetch("./api/status", { headers: { accept: "application/json" } });
      if (!response.ok || !response.headers.get("content-type")?.startsWith("application/json")) throw new Error();
      const status: Status = await response.json();
      if (status.format !== 1) throw new Error();
      if (!status.live || !status.hosts) {
        this.reason = status.reason ?? "";
        this.state = "absent";
        return;
      }
      this.longest = status.longest ?? this.longest;
      this.nodes = status.hosts.map((host) => ({ name: host.name, kind: "host", ports: [{ link: 0, hardware: host.hardware, address: host.address }] }));
      this.links = [{ ends: this.nodes.map((_, index) => index), rate: null, delay: 0, jitter: 0, queue: 0, loss: 0, mtu: 1500 }];
      this.open();
    } catch {
      this.state = "absent";
    }
  }

  private open(): void {
    const feed = new EventSource(`./api/feed?client=${this.client}`);
    this.feed = feed;
    this.state = "broken";
    feed.onopen = () => (this.state = "open");
    feed.onerror = () => {
      this.state = "broken";
      // A refusal ends the source for good: try again by hand.
      if (feed.readyState === EventSource.CLOSED) setTimeout(() => { if (this.feed === feed) this.open(); }, 2000);
    };
    feed.addEventListener("frame", (event) => this.take(JSON.parse(event.data)));
    feed.addEventListener("lost", (event) => { this.lost += Number(event.data) || 0; });
  }

  /// Why the server has nothing to show, in words.
  why(): string {
    const known = ["system-sockets", "one-host", "unpublished", "no-talk"] as const;
    const code = known.find((one) => one === this.reason);
    return code ? t(`absent_${code}`) : this.reason.slice(0, 80);
  }

  end(): void {
    this.feed?.close();
    this.feed = null;
  }

  clear(): void {
    this.frames = [];
    this.layout = null;
    this.base = null;
    this.answer = null;
    this.lost = 0;
    this.numbers.clear();
  }

  /// A frame leaves one host and arrives at the other: two reports, one arrow.
  private take(passed: Passed): void {
    if (this.base === null) this.base = passed.at;
    // After a long silence the ladder begins anew, so that it tells of one call and not of the hours between two.
    if (passed.at - this.last > SILENCE && !this.sending && this.frames.length > MOST / 2) this.clear();
    this.base ??= passed.at;
    this.last = passed.at;
    const at = passed.at - this.base;
    const frames = this.pending ?? [...this.frames];
    if (!passed.out) {
      const sent = frames.find((frame) => frame.from !== passed.host && frame.arrivals.length === 0 && frame.bytes === passed.bytes && frame.length === passed.length)
        ?? frames.findLast((frame) => frame.from !== passed.host && frame.bytes === passed.bytes);
      if (sent) {
        sent.arrivals = [{ node: passed.host, at: Math.max(at, sent.sent), damaged: false }];
        sent.fate = "delivered";
      }
    } else {
      const summary = summarize(passed.bytes, passed.length);
      const kind = summary.flags || summary.protocol;
      const key = `${this.nodes[passed.host]?.name ?? "?"} ${summary.payload > 0 && summary.protocol === "TCP" && !summary.flags.includes("FIN") ? "data" : kind}`;
      const number = (this.numbers.get(key) ?? 0) + 1;
      this.numbers.set(key, number);
      const again = summary.protocol === "TCP" && summary.sequence != null && (summary.payload > 0 || /SYN|FIN/.test(summary.flags))
        && frames.some((old) => old.from === passed.host && old.summary.source === summary.source && old.summary.destination === summary.destination && old.summary.sequence === summary.sequence && old.summary.payload === summary.payload && old.summary.flags === summary.flags);
      frames.push({
        name: `${key} #${number}`, link: 0, from: passed.host, sent: at, fate: "lost", rule: null, parent: null, endpoint: null, retransmission: again,
        arrivals: [], length: passed.length, bytes: passed.bytes, summary,
      });
      if (frames.length > MOST) frames.splice(0, frames.length - MOST);
    }
    this.pending = frames;
    if (this.waiting) return;
    this.waiting = true;
    // Many may come at once: draw them together.
    setTimeout(() => this.draw(), 60);
  }
  private pending: Frame[] | null = null;

  private draw(): void {
    this.waiting = false;
    if (!this.pending) return;
    this.frames = this.pending.map((frame) => ({ ...frame }));
    this.pending = null;
    const end = this.frames.reduce((last, frame) => Math.max(last, frame.sent, ...frame.arrivals.map((arrival) => arrival.at)), 1);
    this.layout = new Layout(this.nodes, this.links, this.frames, [], end);
  }

  private count() {
    const sum = { application: 0, transport: 0, network: 0, link: 0, other: 0 };
    for (const frame of this.frames) {
      const { link, network, transport } = headers(frame.bytes, frame.length);
      if (transport === 0 && network === 0) { sum.other += frame.length; continue; }
      sum.link += link;
      sum.network += network;
      sum.transport += transport;
      sum.application += Math.max(frame.length - link - network - transport, 0);
    }
    return sum;
  }

  async send(text: string): Promise<void> {
    this.failure = "";
    const length = new TextEncoder().encode(text).length;
    if (length === 0) { this.failure = t("messageEmpty"); return; }
    if (length > this.longest) { this.failure = t("messageTooLong", length, this.longest); return; }
    this.clear();
    this.sending = true;
    try {
      const response = await fetch("./api/talk", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ message: text, client: this.client }) });
      if (!response.ok) throw new Error((await response.text()).slice(0, 300) || String(response.status));
      const answer: Answer = await response.json();
      this.answer = { text: answer.answer, local: answer.local, remote: answer.remote, milliseconds: answer.milliseconds };
    } catch (error) {
      this.failure = t("sendFailed", error instanceof Error ? error.message : String(error));
    } finally {
      this.sending = false;
    }
  }
}
