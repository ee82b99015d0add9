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

// The pinned step and the place of a walk are in the address and not in the picture.
const nameOf = (parcel, theme, larger) => [parcel.run.replace(/(^|&)(t|update)=\d+/g, ''), parcel.coarse, larger, theme].join();

const paint = async (node, parcel) => {
  const chart = charts.get(node);
  const Plotly = await library(parcel.src);
  const larger = parcel.big ? projected() : 1;
  const name = nameOf(parcel, themeOf(node), larger);
  parcel.opened ??= unpacked(parcel.figure);
  if (name !== chart.painted) {
    const figure = themed(node, parcel.opened);
    const parts = parted(parcel.big ? enlarged(figure, larger) : figure);
    const { data, layout } = parts;
    node.style.height = layout.height ? `${layout.height}px` : '';
    layout.uirevision ??= parcel.key;
    await Plotly.react(node, data, layout, CONFIG);
    chart.labels.show(parts);
    chart.painted = name;
    node.setAttribute('aria-label', parcel.alt);
    node.dataset.painted = 1 + Number(node.dataset.painted ?? 0);
  }
  node.dataset.run = parcel.run;
  chart.shown = parcel;
  chart.saving.hidden = false;
  chart.cursor.follow(parcel);
  chart.picks.follow(parcel);
  chart.walk.follow(parcel);
};

const explain = (node, error) => {
  const sentence = document.createElement('p');
  sentence.setAttribute('role', 'alert');
  sentence.textContent = `The picture cannot be drawn: ${error.message}. Reload the page to try again.`;
  window.Plotly?.purge(node);
  node.replaceChildren(sentence);
  node.removeAttribute('role'); // an image would hide the sentence from a screen reader
  node.dataset.failed = '';
  charts.get(node).saving.hidden = true;
  charts.get(node).painted = null;
  charts.get(node).labels.place();
};

const heal = (node) => {
  if (!('failed' in node.dataset)) return;
  node.replaceChildren();
  node.setAttribute('role', 'img');
  delete node.dataset.failed;
};

// One paint at a time; of those that arrive meanwhile only the newest is painted.
const show = (node, parcel) => {
  const chart = charts.get(node);
  if (!chart) return Promise.resolve();
  chart.next = parcel;
  chart.painting ??= (async () => {
    while (chart.next && charts.has(node)) {
      const now = chart.next;
      chart.next = null;
      try {
        heal(node);
        await paint(node, now);
      } catch (error) {
        if (charts.has(node)) explain(node, error); // else the page was left meanwhile
      }
    }
    chart.painting = null;
  })();
  return chart.painting;
};

const watchSize = (node) => {
  const observer = new ResizeObserver(async () => {
    if (!node.dataset.painted || !node.clientWidth) return;
    const { shown } = charts.get(node) ?? {};
    if (shown?.big) await show(node, shown); // its type grows with the window
    await window.Plotly.Plots.resize(node);
    charts.get(node)?.labels.place();
    charts.get(node)?.cursor.place();
    charts.get(node)?.picks.place();
    charts.get(node)?.walk.place();
  });
  observer.observe(node);
  return observer;
};

// More words above a picture than the style sheet leaves room for: it is told where the picture starts.
const watchAbove = (frame) => {
  const page = frame.closest('[data-testid=stMainBlockContainer]');
  const observer = new ResizeObserver(() => requestAnimationFrame(() => {
    const above = frame.getBoundingClientRect().top - page.getBoundingClientRect().top;
    frame.style.setProperty('--lab-above', `${Math.ceil(above)}px`);
  }));
  observer.observe(page);
  return observer;
};

const mounted = (frame, node) => {
  const chart = { next: null, painting: null, painted: null, committed: null, order: 0 };
  charts.set(node, chart);
  chart.size = watchSize(node);
  chart.above = watchAbove(frame);
  chart.flow = follower(chart, (parcel) => show(node, parcel));
  chart.labels = labelsOf(frame, node);
  chart.saving = frame.querySelector('.lab-save');
  chart.saving.onclick = ({ target }) => {
    if (target.dataset.format && chart.shown) save(node, chart.shown, target.dataset.format);
  };
  chart.cursor = cursorOf(frame, node, (step) => chart.pin({ step }), () => { chart.labels.place(); chart.walk.place(); });
  chart.untouch = touchable(node);
  chart.picks = picksOf(frame, node, (picked) => chart.pick(picked));
  chart.walk = walkOf(frame, node, (walked) => chart.walked(walked));
  chart.forget = onReturn(() => {
    chart.order = 0; // another session may count anew
    chart.ask(chart.flow.unheard());
    chart.cursor.again();
    chart.walk.again();
  });
  return chart;
};

export default function ({ data, parentElement, setTriggerValue }) {
  const frame = parentElement.querySelector('.lab-frame');
  const node = frame.querySelector('.lab-figure');
  const chart = charts.get(node) ?? mounted(frame, node);
  chart.pin = (pinned) => setTriggerValue('pinned', pinned);
  chart.walked = (walked) => setTriggerValue('walked', walked);
  chart.ask = (unheard) => setTriggerValue('unheard', unheard); // also runs the page with every control
  chart.pick = (picked) => setTriggerValue('picked', picked);
  const parcel = JSON.parse(new TextDecoder().decode(data));
  if (parcel.order >= chart.order) { // while this script loads, Streamlit may call the last first
    chart.order = parcel.order;
    chart.flow.receive(parcel);
  }
  return () => {
    const last = charts.get(node);
    // Streamlit also cleans up after a call that was outdated before it was made: the node stays.
    if (!last || node.isConnected) return;
    for (const stop of [() => last.size.disconnect(), () => last.above.disconnect(), last.untouch, last.flow.stop, last.cursor.stop, last.picks.stop, last.walk.stop, last.forget]) stop();
    charts.delete(node);
    window.Plotly?.purge(node);
  };
}
