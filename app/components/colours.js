// Colours are named by the server and looked up here, at every paint: light and dark.

// The text colour tells light from dark: Streamlit names no theme.
const isDark = (style) => {
  const [red, green, blue] = style.color.match(/[\d.]+/g).map(Number);
  return 0.299 * red + 0.587 * green + 0.114 * blue > 127;
};

const lookUp = (node, palette) => {
  const style = getComputedStyle(node);
  const shade = isDark(style) ? 1 : 0;
  return (name) => palette[name]?.[shade] ?? style.getPropertyValue(name).trim();
};

const coloured = (value, colour) => {
  if (typeof value === 'string') {
    return value.includes('var(--') ? value.replace(/var\((--[\w-]+)\)/g, (_, name) => colour(name)) : value;
  }
  if (ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return value.map((one) => coloured(one, colour));
  if (value === null || typeof value !== 'object' || 'bdata' in value) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, coloured(one, colour)]));
};

const themed = (node, figure) => {
  const palette = figure.layout.template?.layout?.meta?.palette ?? {};
  return coloured(figure, lookUp(node, palette));
};

// For the last row of a classroom: type as large as the page's, which grows with the window.
const ROOT = 15.5; // px of the page's type that go with a picture as it is drawn
const THICKER = 1.26;

const projected = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / ROOT;

const grown = (part, larger) => {
  if (Array.isArray(part)) return part.map((one) => grown(one, larger));
  if (part === null || typeof part !== 'object' || ArrayBuffer.isView(part)) return part;
  const sizes = { size: larger, width: larger * THICKER, l: larger, r: larger, t: larger, b: larger };
  return Object.fromEntries(Object.entries(part).map(([name, one]) =>
    [name, typeof one === 'number' && name in sizes ? one * sizes[name] : grown(one, larger)]));
};

const enlarged = ({ data, layout }, larger) => ({
  data: data.map((trace) => ({
    ...trace,
    ...(trace.line ? { line: grown(trace.line, larger) } : {}),
    ...(trace.colorbar ? { colorbar: grown(trace.colorbar, larger) } : {}),
  })),
  layout: grown(layout, larger),
});

// What a picture's colours depend on besides its data.
const themeOf = (node) => {
  const style = getComputedStyle(node);
  return [style.color, style.getPropertyValue('--st-background-color'), style.getPropertyValue('--st-font')].join();
};

const ARRAYS = { i1: Int8Array, u1: Uint8Array, i2: Int16Array, u2: Uint16Array, i4: Int32Array, u4: Uint32Array, f4: Float32Array, f8: Float64Array };

const bytesOf = (text) => {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const letters = atob(text), bytes = new Uint8Array(letters.length);
  for (let k = 0; k < letters.length; k += 1) bytes[k] = letters.charCodeAt(k);
  return bytes;
};

// Integers are steps between two values; the lowest integer is a gap.
const opened = (part) => {
  const stored = new ARRAYS[part.dtype](bytesOf(part.bdata).buffer);
  let values = stored;
  if (part.scale !== undefined) {
    const gap = part.dtype === 'i1' ? -128 : -32768;
    values = new Float32Array(stored.length);
    for (let k = 0; k < stored.length; k += 1) values[k] = stored[k] === gap ? NaN : stored[k] * part.scale + part.offset;
  }
  if (!part.shape) return values;
  const [rows, columns] = part.shape.split(',').map(Number);
  return Array.from({ length: rows }, (_, row) => values.subarray(row * columns, (row + 1) * columns));
};

const unpacked = (figure) => {
  for (const trace of figure.data) {
    for (const [name, part] of Object.entries(trace)) if (part?.bdata !== undefined) trace[name] = opened(part);
  }
  return figure;
};
