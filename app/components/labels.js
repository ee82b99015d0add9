// Titles, notes and colour bars, drawn as HTML beside Plotly's picture. Plotly measures every text
// of its own at every paint: in a page of Streamlit's that is more than half of a repaint, and these
// texts stay the same while a slider moves.

const isLight = (note, layout) =>
  !note.showarrow && !note.textangle && note.xref === 'paper' && (note.yref === 'paper' || `yaxis${note.yref?.slice(1)}` in layout);

const hasBar = (trace) => trace.type === 'heatmap' && trace.colorbar?.lenmode === 'fraction' && trace.showscale !== false;

// What Plotly draws, and what stands beside it.
const parted = ({ data, layout }) => {
  const notes = layout.annotations ?? [];
  return {
    data: data.map((trace) => (hasBar(trace) ? { ...trace, showscale: false } : trace)),
    layout: { ...layout, annotations: notes.filter((note) => !isLight(note, layout)) },
    notes: notes.filter((note) => isLight(note, layout)),
    bars: data.flatMap((trace, number) => (hasBar(trace) ? [{ ...trace.colorbar, number, trace }] : [])),
  };
};

const auto = (place, names) => names[place < 1 / 3 ? 0 : place > 2 / 3 ? 2 : 1];
const SHIFT = { left: 0, center: -50, right: -100, top: 0, middle: -50, bottom: -100 };

const element = (className, html, style) => {
  const span = document.createElement('span');
  span.className = className;
  span.innerHTML = html;
  Object.assign(span.style, style);
  return span;
};

const noteOf = (note, layout) => {
  const { l, t, w, h } = layout._size;
  const axis = note.yref === 'paper' ? null : layout[`yaxis${note.yref.slice(1)}`];
  const along = axis ? axis.d2p(note.y) : 0;
  if (axis && (along < -1 || along > axis._length + 1)) return [];
  const x = l + note.x * w + (note.xshift ?? 0);
  const y = (axis ? axis._offset + along : t + (1 - note.y) * h) - (note.yshift ?? 0);
  const across = SHIFT[note.xanchor ?? auto(note.x, ['left', 'center', 'right'])];
  const up = SHIFT[note.yanchor ?? (axis ? 'middle' : auto(note.y, ['bottom', 'middle', 'top']))];
  return [element('lab-note', note.text, {
    left: `${x}px`,
    top: `${y}px`,
    transform: `translate(${across}%, ${up}%)`,
    fontSize: `${note.font?.size ?? 14}px`,
    color: note.font?.color ?? '',
    background: note.bgcolor ?? '',
  })];
};

const barOf = (bar, node) => {
  const { l, t, w, h } = node._fullLayout._size;
  // Plotly completes no scale for a heatmap without a single number in it
  const full = node._fullData[bar.number];
  const { colorscale, zmin, zmax } = full.colorscale ? full : bar.trace;
  if (!Array.isArray(colorscale)) return [];
  const left = l + bar.x * w + (bar.xpad ?? 10);
  const top = t + (1 - bar.y - bar.len / 2) * h, height = bar.len * h;
  const stops = colorscale.map(([part, colour]) => `${colour} ${100 * part}%`).join(', ');
  const parts = [element('lab-bar', '', {
    left: `${left}px`, top: `${top}px`, width: `${bar.thickness}px`, height: `${height}px`, background: `linear-gradient(to top, ${stops})`,
  })];
  for (const [k, value] of (bar.tickvals ?? []).entries()) {
    const part = (value - zmin) / (zmax - zmin);
    if (part < -0.001 || part > 1.001) continue;
    parts.push(element('lab-note', bar.ticktext?.[k] ?? String(value), {
      left: `${left + bar.thickness + 4}px`, top: `${top + (1 - part) * height}px`, transform: 'translate(0, -50%)', fontSize: `${bar.tickfont?.size ?? 14}px`,
    }));
  }
  return parts;
};

const LEAST = 0.6; // of its size: smaller type is not read

// On a narrow screen a title ends before the next one beside it, or at the edge.
const narrowed = (notes, width) => {
  const boxes = notes.map((note) => note.getBoundingClientRect());
  const edge = notes[0]?.parentElement.getBoundingClientRect().left + width;
  for (const [k, note] of notes.entries()) {
    const own = boxes[k];
    const next = boxes.filter((box) => box.left > own.left + 1 && Math.abs(box.top - own.top) < 8);
    const room = Math.min(edge, ...next.map((box) => box.left - 8)) - own.left;
    if (own.width <= room) continue;
    note.style.fontSize = `${parseFloat(note.style.fontSize) * Math.max(LEAST, room / own.width)}px`;
  }
};

const labelsOf = (frame, node) => {
  const overlay = frame.querySelector('.lab-labels');
  let shown = { notes: [], bars: [] };
  let placed = null;
  const place = () => {
    if (!node._fullLayout?._size || 'failed' in node.dataset) {
      placed = null;
      return overlay.replaceChildren();
    }
    const notes = shown.notes.flatMap((note) => noteOf(note, node._fullLayout));
    const parts = [...notes, ...shown.bars.flatMap((bar) => barOf(bar, node))];
    const now = parts.map((part) => part.outerHTML).join('');
    if (now === placed) return;
    placed = now;
    overlay.replaceChildren(...parts);
    narrowed(notes, overlay.clientWidth);
  };
  return { show: (parts) => { shown = parts; place(); }, place };
};
