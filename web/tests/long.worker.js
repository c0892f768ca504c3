// Stands in for the lab: one experiment whose run has 20 000 frames.
const text = (en) => ({ en, zh: en });
const COUNT = 20_000;
const experiment = { name: "handshake", claims: [], title: text("Long"), says: text("Long"), precise: text(""), look: [], sources: [], rules: [], parameters: [] };
function trace() {
  const frames = [];
  const events = [];
  const set = (at, step, endpoint, change) => events.push({ at, step, node: endpoint, kind: "change", endpoint, set: change });
  for (let index = 0; index < COUNT; index++) {
    const sent = index * 100_000;
    const from = index % 4 === 3 ? 1 : 0;
    frames.push({ name: `frame #${index + 1}`, link: 0, from, sent, fate: index % 97 ? "delivered" : "lost", rule: null, parent: null, endpoint: from, retransmission: index % 101 === 0, arrivals: index % 97 ? [{ node: 1 - from, at: sent + 20_000_000, damaged: false }] : [], length: 1514, bytes: "", summary: { protocol: "TCP", source: `10.0.0.${from + 1}:1`, destination: `10.0.0.${2 - from}:1`, flags: "ACK", sequence: index * 1448, acknowledgment: 1, window: 1000, payload: 1448, info: "" } });
    set(sent, index * 2 + 1, from, { snd_nxt: index * 1448, cwnd: 14480 + (index % 500) * 100, flight: index % 5000, srtt: 20_000_000 + index });
    events.push({ at: sent, step: index * 2 + 1, node: from, kind: "arm", endpoint: from, timer: "retransmit", until: sent + 300_000_000 });
    events.push({ at: sent, step: index * 2 + 1, node: from, kind: "send", frame: index });
  }
  const node = (name, last) => ({ name, kind: "host", ports: [{ link: 0, hardware: "", address: `10.0.0.${last}/24` }] });
  const endpoint = (node) => ({ node, kind: "connection", local: `10.0.0.${node + 1}:1`, remote: `10.0.0.${2 - node}:1`, since: 0 });
  return { format: 1, experiment: "handshake", seed: 1, parameters: {}, rules: [], duration: COUNT * 100_000, truncated: false, passed: true, nodes: [node("client", 1), node("server", 2)], links: [{ ends: [0, 1], rate: null, delay: 20_000_000, jitter: 0, queue: 0, loss: 0, mtu: 1500 }], endpoints: [endpoint(0), endpoint(1)], frames, events, exhibits: [], checks: [] };
}
self.onmessage = ({ data: { id, call } }) => {
  const results = { catalogue: () => ({ format: 1, experiments: [experiment] }), abilities: () => [], run: () => ({ answer: { trace: trace() }, milliseconds: 1 }) };
  self.postMessage({ id, result: results[call]() });
};
