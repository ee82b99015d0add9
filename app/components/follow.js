// Streamlit's sliders hold their value while they are dragged and send it on release. Here it is
// watched, and the picture of it asked for: one request in flight, the newest value next. What the
// finger leaves is committed by Streamlit itself.

const BURST = 1200; // ms: key presses closer than this are one move, and one step of the history

// Streamlit pushes an entry for every key press; the later ones of a burst replace the first, also
// where a busy server answers long after the last key.
const burst = (window.__labBurst ??= (() => {
  const state = { field: null, last: 0, isOpen: false, isPushed: false };
  const push = history.pushState.bind(history);
  history.pushState = (...entry) => {
    if (state.isOpen && state.isPushed) return history.replaceState(...entry);
    state.isPushed = state.isOpen;
    return push(...entry);
  };
  const close = ({ type, target }) => {
    if (type !== 'keydown' || !target.matches?.('input[type=range]')) state.isOpen = false;
  };
  for (const type of ['pointerdown', 'keydown', 'popstate']) addEventListener(type, close, true);
  return state;
})());

const continueBurst = (field, rest = BURST) => {
  const now = performance.now();
  if (!burst.isOpen || burst.field !== field || now - burst.last > rest) burst.isPushed = false;
  Object.assign(burst, { field, last: now, isOpen: true });
};

const askFor = async (parcel, moved, isCoarse, signal) => {
  const query = new URLSearchParams(parcel.run.split('#')[0]);
  for (const [field, value] of Object.entries(moved)) query.set(field, value);
  if (isCoarse) query.set('coarse', '1');
  const answer = await fetch(`${parcel.live}${parcel.key}?${query}`, { signal });
  return answer.ok ? answer.json() : null;
};

const valueOf = (input) => Number(Number(input.value).toFixed((input.step.split('.')[1] ?? '').length));

// `chart.committed` is what Streamlit sent last; `moved` what the sliders say beyond it.
const follower = (chart, show) => {
  const flow = { moved: {}, next: null, isBusy: false, painting: null, said: null, deferred: null, timer: 0, lastKey: -BURST, isHeld: false, flight: null };
  const left = new AbortController();

  // `theirs` is what the page has written last, `ours` the node that stands in its place while the
  // slider moves: what the page writes, the same words or others, is another node.
  const say = (parcel) => {
    flow.said ??= {};
    for (const [selector, html] of Object.entries(parcel.says)) {
      const place = document.querySelector(selector);
      if (!place) continue;
      const { theirs, ours } = flow.said[selector] ?? {};
      const isOurs = Boolean(ours) && place.firstChild === ours;
      const written = place.innerHTML;
      // Fewer words must not pull the picture up.
      if (!flow.said[selector]) place.style.minHeight = `${place.getBoundingClientRect().height}px`;
      if (written !== html) place.innerHTML = html;
      flow.said[selector] = {
        theirs: isOurs ? theirs : written,
        ours: isOurs || written !== html ? place.firstChild : null,
      };
    }
    document.documentElement.toggleAttribute('data-lab-moving', true);
  };

  // The page's words may have come a moment before the last of ours: then ours are not the last.
  const unsay = () => {
    for (const [selector, { theirs, ours }] of Object.entries(flow.said ?? {})) {
      const place = document.querySelector(selector);
      if (ours && place?.firstChild === ours) place.innerHTML = theirs;
      if (place) place.style.minHeight = '';
    }
  };

  const settle = () => {
    clearTimeout(flow.timer);
    unsay();
    Object.assign(flow, { moved: {}, next: null, said: null, deferred: null });
    document.documentElement.toggleAttribute('data-lab-moving', false);
  };

  const back = () => { // the finger came back to where it started: nothing will be committed
    settle();
    show(chart.committed);
  };

  const isAt = (parcel) => Object.entries(flow.moved).every(([field, value]) => Number(parcel.follow[field]) === value);

  // The next picture is asked for while this one is painted: one request and one paint at a time.
  const run = async () => {
    if (flow.isBusy) return;
    flow.isBusy = true;
    while (flow.next && !left.signal.aborted) {
      const { isCoarse } = flow.next;
      flow.next = null;
      try {
        flow.flight = new AbortController();
        const parcel = await askFor(chart.committed, flow.moved, isCoarse, flow.flight.signal);
        await flow.painting;
        if (!parcel || !Object.keys(flow.moved).length) continue;
        flow.painting = show({ ...chart.committed, opened: undefined, ...parcel }).then(() => {
          if (Object.keys(flow.moved).length) say(parcel);
        });
      } catch {
        // No server: the slider still commits on release, or when the server is back.
        if (!flow.flight.signal.aborted) flow.next = null;
      }
    }
    flow.isBusy = false;
  };

  // The last move may come with the release, or after it: what counts is where the slider stands.
  const stand = (field) => {
    const input = document.querySelector(`.st-key-${field} input[type=range]`);
    if (input) flow.moved[field] = valueOf(input);
  };

  // A commit that never comes (the value was refused, say) must not keep the picture waiting.
  const lookAgain = () => {
    clearTimeout(flow.timer);
    flow.timer = setTimeout(() => {
      if (flow.isHeld) return lookAgain();
      for (const field of Object.keys(flow.moved)) stand(field);
      if (flow.deferred) receive(flow.deferred, true);
      else if (Object.keys(flow.moved).length && isAt(chart.committed)) back();
    }, 2 * BURST);
  };

  const fieldOf = (input) => Object.keys(chart.committed?.follow ?? {}).find((name) => input.closest(`.st-key-${name}`));

  const heard = (input, field) => {
    const isHeld = Boolean(input.closest('[data-dragging]'));
    const isKey = document.activeElement === input && performance.now() - flow.lastKey < BURST / 2;
    if (!isHeld && !isKey) return;
    const value = valueOf(input);
    if (flow.moved[field] === value) return;
    if (!(field in flow.moved) && value === Number(chart.committed.follow[field])) return;
    flow.moved[field] = value;
    flow.next = { isCoarse: isHeld };
    lookAgain();
    run();
  };

  const observer = new MutationObserver((records) => {
    for (const { target, attributeName } of records) {
      const isReleased = attributeName === 'data-dragging' && !target.hasAttribute('data-dragging');
      const input = target.matches('input[type=range]') ? target : target.querySelector('input[type=range]');
      const field = input && fieldOf(input);
      if (!field) continue;
      if (!isReleased) heard(input, field);
      else if (field in flow.moved) {
        flow.next = null;
        stand(field);
        if (isAt(chart.committed)) back();
      }
    }
  });
  observer.observe(document.body, { subtree: true, attributeFilter: ['value', 'data-dragging'] });

  addEventListener('keydown', ({ target }) => {
    if (!target.matches?.('input[type=range]')) return;
    const field = fieldOf(target);
    if (!field) return;
    flow.lastKey = performance.now();
    continueBurst(field);
  }, { capture: true, signal: left.signal });

  // A thumb let go while it is locked stays marked as dragged: so the finger itself is watched.
  for (const [type, isHeld] of [['pointerdown', true], ['pointerup', false], ['pointercancel', false]]) {
    addEventListener(type, () => { flow.isHeld = isHeld; }, { capture: true, signal: left.signal });
  }

  // The server is back: what the finger left meanwhile was never committed. Returns that.
  const unheard = () => {
    flow.flight?.abort();
    if (!flow.isHeld) return { ...flow.moved };
    if (Object.keys(flow.moved).length) {
      flow.next = { isCoarse: true };
      run();
    }
    return {};
  };

  // What Streamlit sends is painted, unless the slider has moved on: then its commit is under way.
  const receive = (parcel, isLate = false) => {
    chart.committed = parcel;
    if (!isLate && Object.keys(flow.moved).length && !isAt(parcel)) {
      flow.deferred = parcel;
      lookAgain();
      return;
    }
    settle();
    show(parcel);
  };

  return { receive, unheard, stop: () => { settle(); left.abort(); flow.flight?.abort(); observer.disconnect(); } };
};
