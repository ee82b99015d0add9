// A point picked in a panel of two quantities: by a click, or by Enter on a cross that arrow keys
// move. A figure declares such panels in `layout.meta.picks`; what is picked goes to the server.
//
// The keyboard's way is an ordinary slider over x, drawn as the cross, so that a screen reader
// finds what it knows; up and down move y.

const axisOf = (layout, name) => layout?.[name.replace(/^([xy])/, '$1axis')];
const within = (value, { low, high }) => Math.min(Math.max(value, low), high);
const digitsOf = (step) => (String(step).split('.')[1] ?? '').length;

const picksOf = (frame, node, send) => {
  const box = frame.querySelector('.lab-picks');
  const at = { panels: new Map(), isOn: false, down: null, focused: null };
  const left = new AbortController();
  const on = (target, type, heard, capture = false) => target.addEventListener(type, heard, { signal: left.signal, capture });

  const pick = ({ of, point: [x, y] }) => {
    burst.isOpen = false; // a step of the history of its own
    send({ panel: of.name, x, y });
  };

  const said = ({ of, point }) => [of.x, of.y].map((side, k) => `${side.name} ${point[k].toFixed(digitsOf(side.step))}`).join(', ');

  const place = () => {
    const panel = at.panels.get(at.focused);
    const axes = panel && [axisOf(node._fullLayout, panel.of.x.axis), axisOf(node._fullLayout, panel.of.y.axis)];
    const isShown = Boolean(axes?.[0] && axes[1] && !('failed' in node.dataset));
    frame.toggleAttribute('data-focused', Boolean(isShown && panel.slider.matches(':focus-visible')));
    for (const old of box.querySelectorAll('span')) old.remove();
    if (!isShown) return;
    const [x, y] = axes.map((axis, k) => axis._offset + axis.d2p(panel.point[k]));
    const [across, down] = axes;
    const isLeft = x > across._offset + across._length / 2;
    const side = isLeft ? { right: `${node.clientWidth - x + 8}px` } : { left: `${x + 8}px` };
    box.append(
      element('lab-line', '', { left: `${x}px`, top: `${down._offset}px`, height: `${down._length}px` }),
      element('lab-level', '', { top: `${y}px`, left: `${across._offset}px`, width: `${across._length}px` }),
      element('lab-value', `${said(panel)}: Enter`, { top: `${y + 8}px`, ...side }),
    );
  };

  const move = (panel, x, y) => {
    const { of } = panel;
    panel.point = [within(x, of.x), within(y, of.y)];
    panel.slider.value = panel.point[0];
    panel.slider.setAttribute('aria-valuetext', said(panel));
    place();
  };

  const made = (name) => {
    const slider = document.createElement('input');
    Object.assign(slider, { type: 'range', className: 'lab-pick' });
    const panel = { slider, of: null, point: [0, 0] };
    on(slider, 'input', () => move(panel, Number(slider.value), panel.point[1]));
    on(slider, 'focus', () => { at.focused = name; place(); });
    on(slider, 'blur', () => { at.focused = null; place(); });
    on(slider, 'keydown', (event) => {
      const up = { ArrowUp: 1, ArrowDown: -1 }[event.key];
      if (up) move(panel, panel.point[0], panel.point[1] + up * panel.of.y.step);
      else if (event.key === 'Enter') pick(panel);
      else if (event.key === 'Escape') move(panel, ...panel.of.at);
      else return;
      event.preventDefault();
    });
    box.append(slider);
    return panel;
  };

  // The panel below the pointer and the point in its quantities; null outside.
  const below = ({ clientX, clientY }) => {
    const frameBox = node.getBoundingClientRect();
    const pixel = [clientX - frameBox.left, clientY - frameBox.top];
    for (const { of } of at.panels.values()) {
      const sides = [of.x, of.y];
      const axes = sides.map((side) => axisOf(node._fullLayout, side.axis));
      if (axes.some((axis, k) => !axis || pixel[k] < axis._offset || pixel[k] > axis._offset + axis._length)) continue;
      return { of, point: axes.map((axis, k) => within(axis.p2d(pixel[k] - axis._offset), sides[k])) };
    }
    return null;
  };

  on(node, 'pointerdown', (event) => {
    at.down = at.isOn && event.button === 0 && below(event) ? [event.clientX, event.clientY] : null;
  }, true);
  on(document, 'pointerup', (event) => {
    const found = isClick(event, at.down) ? below(event) : null;
    at.down = null;
    if (found) pick(found);
  }, true);

  on(document, 'pointercancel', () => { at.down = null; });

  const follow = (parcel) => {
    const declared = parcel.picks ? (parcel.opened.layout.meta?.picks ?? []) : [];
    at.isOn = declared.length > 0;
    for (const [name, { slider }] of at.panels) {
      if (declared.some((of) => of.name === name)) continue;
      slider.remove();
      at.panels.delete(name);
    }
    for (const of of declared) {
      if (!at.panels.has(of.name)) at.panels.set(of.name, made(of.name));
      const panel = at.panels.get(of.name);
      panel.of = of;
      Object.assign(panel.slider, { min: of.x.low, max: of.x.high, step: of.x.step, ariaLabel: of.label });
      const isHeld = at.focused === of.name;
      move(panel, ...(isHeld ? panel.point : of.at));
    }
  };

  return { follow, place, stop: () => { left.abort(); box.replaceChildren(); } };
};
