// Paths that are walked: a trace with `meta.walk` is a path, or a curve over the same updates, and a
// place on the walk is marked on all of them; of a trace with `meta.isMute` nothing is said. It is
// played here, frame by frame, without the server; where it rests is told to the server once. A
// reader who wants less motion steps instead.

const PACE = 24; // updates per second
const SETTLE = 250; // ms after a key before the server is told
const calm = matchMedia('(prefers-reduced-motion: reduce)');

const walkOf = (frame, node, send) => {
  const bar = frame.querySelector('.lab-walk');
  const button = bar.querySelector('button');
  const slider = bar.querySelector('input');
  const said = bar.querySelector('output');
  const overlay = frame.querySelector('.lab-walkers');
  const at = { k: null, sent: null, parcel: null, playing: 0, timer: 0, from: 0, since: 0 };
  const left = new AbortController();
  const on = (target, type, heard) => target.addEventListener(type, heard, { signal: left.signal });

  const walked = () => (at.parcel?.opened?.data ?? []).filter((trace) => trace.meta?.walk);
  const last = () => Math.max(0, ...walked().map((trace) => trace.y.length - 1));

  const mark = (trace, layout) => {
    const xaxis = layout[(trace.xaxis ?? 'x').replace('x', 'xaxis')];
    const yaxis = layout[(trace.yaxis ?? 'y').replace('y', 'yaxis')];
    const k = Math.min(at.k, trace.y.length - 1);
    const value = trace.x ? trace.x[k] : (trace.x0 ?? 0) + k;
    if (!xaxis || !yaxis || !Number.isFinite(trace.y[k])) return [];
    const [x, y] = [xaxis.d2p(value), yaxis.d2p(trace.y[k])];
    if (x < -1 || x > xaxis._length + 1 || y < -1 || y > yaxis._length + 1) return [];
    const span = element(`lab-walker lab-walker-${trace.meta.walk}`, '', { left: `${xaxis._offset + x}px`, top: `${yaxis._offset + y}px` });
    span.style.background = lookUp(node, at.parcel.opened.layout.template?.layout?.meta?.palette ?? {})(trace.meta.colour.slice(4, -1));
    return [span];
  };

  const words = () => {
    const parts = [`after ${at.k} update${at.k === 1 ? '' : 's'}`];
    const curves = walked().filter((trace) => trace.customdata && !trace.meta.isMute);
    for (const name of new Set(curves.map((trace) => trace.meta.walk))) {
      const [error, norm] = curves.filter((trace) => trace.meta.walk === name).map((trace) => trace.customdata[Math.min(at.k, trace.customdata.length - 1)]);
      parts.push(`${name}: error ${short(error)}, gradient ${short(norm)}`);
    }
    return parts.join('; ');
  };

  const place = () => {
    const layout = node._fullLayout;
    const isShown = at.k !== null && layout?.xaxis && !('failed' in node.dataset) && walked().length > 0;
    overlay.replaceChildren(...(isShown ? walked().flatMap((trace) => mark(trace, layout)) : []));
    overlay.dataset.update = isShown ? at.k : '';
    said.textContent = isShown ? words() : '';
    slider.setAttribute('aria-valuetext', isShown ? words() : 'not started');
  };

  const label = () => {
    button.textContent = calm.matches ? 'Next update' : at.playing ? 'Stop' : 'Play';
  };

  const tell = (wait = 0) => {
    clearTimeout(at.timer);
    at.timer = setTimeout(() => {
      if (at.sent === at.k) return;
      at.sent = at.k;
      continueBurst('update', Infinity);
      send({ update: at.k });
    }, wait);
  };

  const again = () => { if (at.parcel && at.sent !== at.parcel.walk) send({ update: at.sent }); };

  const stop = () => {
    if (!at.playing) return;
    cancelAnimationFrame(at.playing);
    at.playing = 0;
    label();
    tell();
  };

  const frameAt = (now) => {
    const k = Math.min(at.from + Math.floor(((now - at.since) / 1000) * PACE), last());
    if (k !== at.k) {
      at.k = k;
      slider.value = k;
      place();
    }
    if (k >= last()) return stop();
    at.playing = requestAnimationFrame(frameAt);
  };

  on(button, 'click', () => {
    if (at.playing) return stop();
    const start = at.k === null || at.k >= last() ? 0 : at.k;
    if (calm.matches) {
      at.k = at.k === null || at.k >= last() ? 0 : at.k + 1;
      slider.value = at.k;
      place();
      return tell(SETTLE);
    }
    clearTimeout(at.timer);
    Object.assign(at, { from: start, since: performance.now() });
    at.playing = requestAnimationFrame(frameAt);
    label();
  });
  on(slider, 'input', () => {
    stop();
    at.k = Number(slider.value);
    place();
    tell(SETTLE);
  });
  on(calm, 'change', () => { stop(); label(); });

  const follow = (parcel) => {
    at.parcel = parcel;
    bar.hidden = !parcel.walks || !walked().length;
    if (bar.hidden) { stop(); at.k = null; return place(); }
    slider.max = last();
    if (!at.playing && (parcel.walk === at.sent || at.sent === null || !at.timer)) {
      at.k = parcel.walk;
      at.sent = parcel.walk;
    }
    if (at.k !== null) at.k = Math.min(at.k, last());
    slider.value = at.k ?? 0;
    label();
    place();
  };

  return { follow, place, again, stop: () => { cancelAnimationFrame(at.playing); clearTimeout(at.timer); left.abort(); } };
};

// Three digits, as a reader writes them.
const short = (value) => {
  if (!Number.isFinite(value)) return 'no number';
  if (value === 0) return '0';
  return Math.abs(Math.log10(value)) <= 3 ? String(Number(value.toPrecision(3))) : power(Math.log10(value));
};
