// Loads the lab's WebAssembly module. `source` is its bytes, or what fetch() gives for it.
export async function load(source) {
  const { instance } = source instanceof Response || source instanceof Promise
    ? await WebAssembly.instantiateStreaming(source)
    : await WebAssembly.instantiate(source);
  const { memory, input, output, ...calls } = instance.exports;
  const bytes = (call, text = "") => {
    const given = new TextEncoder().encode(text);
    const place = input(given.length);
    new Uint8Array(memory.buffer, place, given.length).set(given);
    const length = calls[call]();
    // Where it stands until the next call: whoever keeps it copies it.
    return new Uint8Array(memory.buffer, output(), length);
  };
  const text = (call, given) => new TextDecoder().decode(bytes(call, given));
  return {
    // { format, experiments: [...] }
    catalogue: () => JSON.parse(text("catalogue")),
    // { trace: {...} } or { refusal: {...} }
    run: (request) => JSON.parse(text("run", JSON.stringify(request))),
    // The last run as a drawing (text), "en" or "zh"; and as a capture (Uint8Array).
    svg: (language = "en") => text("svg", language),
    pcapng: () => bytes("pcapng").slice(),
    // The same as text, byte for byte what the command writes with --json.
    runText: (request) => text("run", JSON.stringify(request)),
  };
}
