// What the lab's module gives and takes (format 1).

export interface Text { en: string; zh: string }

export interface NumberParameter { name: string; title: Text; unit: string; kind: "number"; min: number; max: number; default: number }
export interface ChoiceParameter { name: string; title: Text; unit: string; kind: "choice"; options: string[]; default: string }
export interface FlagParameter { name: string; title: Text; unit: string; kind: "flag"; default: boolean }
export type Parameter = NumberParameter | ChoiceParameter | FlagParameter;
export type Value = number | string | boolean;

export interface Experiment {
  name: string;
  claims: number[];
  title: Text;
  says: Text;
  precise: Text;
  look: Text[];
  sources: string[];
  rules: string[];
  parameters: Parameter[];
}

export interface Catalogue { format: number; experiments: Experiment[] }

export interface Request {
  experiment: string;
  seed?: number;
  parameters?: Record<string, Value>;
  rules?: string[];
}

export interface Refusal { kind: string; given: string; parameter: string | null; nearest: string | null; message: Text }
export type Answer = { trace: Trace } | { refusal: Refusal };

export interface Summary {
  protocol: string;
  source: string;
  destination: string;
  flags: string;
  sequence: number | null;
  acknowledgment: number | null;
  window: number | null;
  payload: number;
  info: string;
}

export interface Arrival { node: number; at: number; damaged: boolean }
export type Fate = "delivered" | "lost" | "ruled" | "queue-full" | "cut";

export interface Frame {
  name: string;
  link: number;
  from: number;
  sent: number;
  fate: Fate;
  rule: number | null;
  parent: number | null;
  endpoint: number | null;
  retransmission: boolean;
  arrivals: Arrival[];
  length: number;
  bytes: string;
  summary: Summary;
}

export interface Node { name: string; kind: string; ports: { link: number; hardware: string; address: string }[] }
export interface Link { ends: number[]; rate: number | null; delay: number; jitter: number; queue: number; loss: number; mtu: number }
export interface Endpoint { node: number; kind: string; local: string; remote: string; since: number }

// Every kind of event has some of these; unknown kinds are shown by their name.
export interface Event {
  at: number;
  step: number;
  node: number;
  kind: string;
  endpoint?: number | null;
  frame?: number | null;
  call?: string;
  result?: string;
  outcome?: string;
  from?: string;
  to?: string;
  set?: Record<string, number | null>;
  timer?: string;
  until?: number;
  code?: string;
  text?: Text;
  source?: string;
  link?: number;
  up?: boolean;
}

export interface Table { kind: "table"; title: Text; columns: Text[]; rows: Text[][] }
export interface Waveform { kind: "waveform"; title: Text; bits: string; levels: string; parts: { name: Text; begin: number; end: number }[] }
export interface Graph {
  kind: "graph";
  title: Text;
  states: { label: Text; mark: string }[];
  edges: { from: number; to: number; label: Text }[];
  path: number[];
}
export type Exhibit = Table | Waveform | Graph;

export interface Check { claim: Text; verdict: string; seen: Text }

export interface Trace {
  format: number;
  experiment: string;
  seed: number;
  parameters: Record<string, Value>;
  rules: { text: string; met: number }[];
  duration: number;
  truncated: boolean;
  passed: boolean;
  nodes: Node[];
  links: Link[];
  endpoints: Endpoint[];
  frames: Frame[];
  events: Event[];
  exhibits: Exhibit[];
  checks: Check[];
}

export interface Field { name: Text; begin: number; end: number; bits: [number, number] | null; value: string; note: Text | null }
export interface Layer { name: string; begin: number; end: number; fields: Field[] }
export interface Dissection { layers: Layer[] }
