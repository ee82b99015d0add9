// One chart per mount. State lives in `charts`, keyed by the node that Plotly draws into.
const charts = new WeakMap();
const CONFIG = { displayModeBar: false, doubleClick: 'reset', responsive: false };

const library = (src) => (window.__labPlotly ??= new Promise((resolve, reject) => {
  const tag = document.createElement('script');
  tag.src = src;
  tag.onload = () => resolve(window.Plotly);
  tag.onerror = () => {
    delete window.__labPlotly; // the next repaint tries again
    tag.remove();
    reject(new Error(`${src} did not load`));
  };
  document.head.append(tag);
}));

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
  if (Array.isArray(value)) return value.map((item) => coloured(item, colour));
  if (value === null || typeof value !== 'object' || 'bdata' in value) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, coloured(item, colour)]));
};

const themed = (node, figure) => {
  const palette = figure.layout.template?.layout?.meta?.palette ?? {};
  return coloured(figure, lookUp(node, palette));
};

const paint = async (node, { src, key, run, alt, figure }) => {
  const Plotly = await library(src);
  const { data, layout } = themed(node, figure);
  node.style.height = layout.height ? `${layout.height}px` : '';
  layout.uirevision ??= key;
  await Plotly.react(node, data, layout, CONFIG);
  node.setAttribute('aria-label', alt);
  node.dataset.run = run;
  node.dataset.painted = 1 + Number(node.dataset.painted ?? 0);
};

const explain = (node, error) => {
  const sentence = document.createElement('p');
  sentence.setAttribute('role', 'alert');
  sentence.textContent = `The picture cannot be drawn: ${error.message}. Reload the page to try again.`;
  window.Plotly?.purge(node);
  node.replaceChildren(sentence);
  node.removeAttribute('role'); // an image would hide the sentence from a screen reader
  node.dataset.failed = '';
};

const heal = (node) => {
  if (!('failed' in node.dataset)) return;
  node.replaceChildren();
  node.setAttribute('role', 'img');
  delete node.dataset.failed;
};

// One paint at a time; of those that arrive meanwhile only the newest is painted.
const offer = async (node, parcel) => {
  const chart = charts.get(node);
  chart.next = parcel;
  if (chart.isPainting) return;
  chart.isPainting = true;
  while (chart.next) {
    const now = chart.next;
    chart.next = null;
    try {
      heal(node);
      await paint(node, now);
    } catch (error) {
      explain(node, error);
    }
  }
  chart.isPainting = false;
};

const watchSize = (node) => {
  const observer = new ResizeObserver(() => {
    if (node.dataset.painted && node.clientWidth) window.Plotly.Plots.resize(node);
  });
  observer.observe(node);
  return observer;
};

export default function ({ data, parentElement }) {
  const node = parentElement.querySelector('.lab-figure');
  if (!charts.has(node)) charts.set(node, { next: null, isPainting: false, size: watchSize(node) });
  offer(node, JSON.parse(new TextDecoder().decode(data)));
  return () => { // the page is left
    charts.get(node)?.size.disconnect();
    charts.delete(node);
    window.Plotly?.purge(node);
  };
}
