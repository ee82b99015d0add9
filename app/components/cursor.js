// One cursor: a step of time, marked in every panel with the values that are drawn there. It
// follows the pointer; a click or Enter pins it, arrow keys move it. The step itself is an ordinary
// slider beside the picture, so that a keyboard and a screen reader find what they know.

const RAISED = '⁰¹²³⁴⁵⁶⁷⁸⁹';
const raised = (whole) => String(whole).replace('-', '⁻').replace(/\d/g, (one) => RAISED[one]);

// 10^log10 as m × 10^k, with two digits.
const power = (log10) => {
  let exponent = Math.floor(log10);
  let mantissa = (10 ** (log10 - exponent)).toFixed(1);
  if (mantissa === '10.0') [mantissa, exponent] = ['1.0', exponent + 1];
  if (exponent >= -2 && exponent <= 2) return Number((10 ** log10).toPrecision(2)).toString();
  return `${mantissa} × 10${raised(exponent)}`;
};

const percent = (share) => {
  const size = Math.abs(100 * share);
  if (size === 0) return '0 %';
  const text = size < 0.01 ? power(Math.log10(size)) : String(Number(size.toPrecision(2)));
  return `${share < 0 ? '−' : ''}${text} %`;
};

const signed = (value) => {
  const size = Math.abs(value);
  const text = size >= 1000 ? power(Math.log10(size)) : size.toFixed(3);
  return value < 0 ? `−${text}` : text;
};

const WRITTEN = {
  state: signed,
  'log state': (value) => signed(Math.sign(value) * (10 ** Math.abs(value) - 1)),
  log10: power,
  share: percent,
};

const cellOf = (trace, step, unit) => {
  const column = Math.floor((step - 0.5 - trace.x[0]) / (trace.x[1] - trace.x[0]));
  return { value: trace.z[unit - 1]?.[column], isShared: trace.x[1] - trace.x[0] > 1.5 };
};

// What the traces of one panel say of a step: [name, text] pairs.
const readings = (traces, step, unit, isCoarse) => {
  const found = [];
  let isNamed = false;
  for (const trace of traces) {
    const { reads, name } = trace.meta;
    if (trace.type !== 'heatmap') {
      const value = trace.y[step - 1];
      if (value !== undefined) found.push([name, Number.isNaN(value) || value === null ? 'exactly 0' : WRITTEN[reads](value)]);
      continue;
    }
    if (isCoarse) continue;
    const { value, isShared } = cellOf(trace, step, unit);
    if (value === undefined || Number.isNaN(value) || (reads === 'mark' && isNamed)) continue;
    isNamed = true;
    const text = reads === 'mark' ? name : WRITTEN[reads](value);
    found.push([`${reads === 'mark' ? '' : name} of unit ${unit}${isShared ? ', these steps' : ''}`.trim(), text]);
  }
  return found;
};

const cursorOf = (frame, node, send, moved) => {
  const overlay = frame.querySelector('.lab-cursor');
  const slider = frame.querySelector('.lab-step');
  const at = { hovered: null, pinned: null, isWaiting: false, unit: 1, parcel: null, down: null, timer: 0 };
  const left = new AbortController();
  const on = (target, type, heard, capture = false) => target.addEventListener(type, heard, { signal: left.signal, capture });

  const drawn = () => (at.parcel?.opened?.data ?? []).filter((trace) => trace.meta?.reads);
  const steps = () => drawn().find((trace) => trace.type !== 'heatmap')?.y.length ?? 0;
  const shown = () => at.hovered ?? at.pinned ?? (document.activeElement === slider ? Number(slider.value) : null);

  const tag = (className, text, style) => {
    const span = document.createElement('span');
    span.className = className;
    span.textContent = text;
    Object.assign(span.style, style);
    return span;
  };

  const place = () => {
    const layout = node._fullLayout;
    const step = shown();
    overlay.hidden = step === null || !layout?.xaxis || !steps() || 'failed' in node.dataset;
    if (overlay.hidden) return;
    const { xaxis, _size: size } = layout;
    const x = xaxis._offset + xaxis.d2p(step);
    const isInView = x >= xaxis._offset - 1 && x <= xaxis._offset + xaxis._length + 1;
    overlay.hidden = !isInView;
    if (!isInView) return;
    const isLeft = x > xaxis._offset + xaxis._length / 2;
    const side = isLeft ? { right: `${node.clientWidth - x + 6}px` } : { left: `${x + 6}px` };
    const isPinned = step === at.pinned;
    const parts = [tag('lab-line', '', { left: `${x}px`, top: `${size.t}px`, height: `${size.h}px` })];
    const bottom = { top: `${size.t + size.h + 2}px`, left: `${x}px` };
    parts.push(tag('lab-badge', `step ${step}${isPinned ? ', pinned' : ''}`, bottom));
    const said = [];
    const axes = [...new Set(drawn().map((trace) => trace.yaxis ?? 'y'))];
    for (const axis of axes) {
      const found = readings(drawn().filter((trace) => (trace.yaxis ?? 'y') === axis), step, at.unit, at.parcel.coarse);
      if (!found.length) continue;
      const text = found.map(([name, value]) => `${name}: ${value}`).join('   ');
      const panel = layout[axis.replace('y', 'yaxis')];
      parts.push(tag('lab-value', text, { top: `${panel._offset + 3}px`, ...side }));
      said.push(text);
    }
    overlay.replaceChildren(...parts);
    overlay.toggleAttribute('data-pinned', isPinned);
    overlay.dataset.step = step;
    slider.setAttribute('aria-valuetext', `step ${step}${isPinned ? ', pinned' : ''}. ${said.join('. ')}`);
  };

  const tell = () => {
    continueBurst('t', Infinity);
    send(at.pinned);
  };

  const pin = (step, wait = 0) => {
    at.pinned = step;
    at.isWaiting = true;
    clearTimeout(at.timer);
    at.timer = setTimeout(tell, wait);
    place();
  };

  // The step and the unit below the pointer; null outside the panels.
  const below = ({ clientX, clientY }) => {
    const layout = node._fullLayout;
    if (!layout?.xaxis || !steps()) return null;
    const box = node.getBoundingClientRect();
    const [x, y] = [clientX - box.left, clientY - box.top];
    const { xaxis, _size: size } = layout;
    if (x < xaxis._offset || x > xaxis._offset + xaxis._length || y < size.t || y > size.t + size.h) return null;
    const step = Math.min(Math.max(Math.round(xaxis.p2d(x - xaxis._offset)), 1), steps());
    for (const trace of drawn().filter((one) => one.type === 'heatmap')) {
      const axis = layout[(trace.yaxis ?? 'y').replace('y', 'yaxis')];
      if (y < axis._offset || y > axis._offset + axis._length) continue;
      at.unit = Math.min(Math.max(Math.round(axis.p2d(y - axis._offset)), 1), trace.z.length);
    }
    return step;
  };

  let isDue = false;
  on(node, 'pointermove', (event) => {
    at.hovered = below(event);
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => { isDue = false; place(); });
  }, true);
  on(node, 'pointerleave', () => { at.hovered = null; place(); });
  on(node, 'pointerdown', ({ clientX, clientY, button }) => { at.down = button === 0 ? [clientX, clientY] : null; }, true);
  on(document, 'pointerup', (event) => {
    const isPin = at.parcel?.pins && isClick(event, at.down);
    at.down = null;
    if (!isPin) return;
    const step = below(event);
    if (step === null) return;
    slider.value = step;
    slider.focus({ preventScroll: true });
    at.hovered = null;
    pin(step === at.pinned ? null : step);
  }, true);

  on(document, 'pointercancel', () => { at.down = null; }); // the finger scrolls the page

  on(slider, 'focus', () => {
    at.hovered = null;
    frame.toggleAttribute('data-focused', slider.matches(':focus-visible'));
    place();
  });
  on(slider, 'blur', () => { frame.removeAttribute('data-focused'); place(); });
  on(slider, 'input', () => {
    at.hovered = null;
    if (at.pinned !== null) pin(Number(slider.value), 250);
    else place();
  });
  on(slider, 'keydown', (event) => {
    const { key } = event;
    if (key === 'ArrowUp' || key === 'ArrowDown') {
      const units = drawn().find((trace) => trace.type === 'heatmap')?.z.length ?? 1;
      at.unit = Math.min(Math.max(at.unit + (key === 'ArrowUp' ? 1 : -1), 1), units);
      place();
    } else if (key === 'Enter' && at.parcel?.pins) pin(at.pinned === Number(slider.value) ? null : Number(slider.value));
    else if (key === 'Escape' && at.pinned !== null) pin(null);
    else return;
    event.preventDefault();
  });
  // A zoom moves the steps; Plotly's own events exist as soon as the first picture does.
  const listen = () => {
    if (at.isListening || !node.on) return;
    at.isListening = true;
    node.on('plotly_relayout', () => { moved(); place(); });
  };

  const follow = (parcel) => {
    at.parcel = parcel;
    if (!at.isWaiting || parcel.step === at.pinned) {
      at.isWaiting = false;
      at.pinned = parcel.step;
    }
    listen();
    slider.hidden = !steps();
    slider.max = steps() || 1;
    if (document.activeElement !== slider && at.pinned === null) slider.value = steps();
    if (at.pinned !== null && !at.isWaiting) slider.value = at.pinned;
    place();
  };

  const again = () => { if (at.isWaiting) tell(); };

  return { follow, place, again, stop: () => { clearTimeout(at.timer); left.abort(); } };
};
