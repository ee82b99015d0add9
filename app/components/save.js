// The picture as a file, with its settings and fingerprint on it. Texts that stand beside Plotly's
// picture on the page are part of this one.

const imageOf = (node, parcel) => {
  const { data, layout } = themed(node, parcel.opened);
  const margin = { ...layout.margin, b: (layout.margin?.b ?? 80) + 24 };
  const name = {
    text: `Gradient Flow Lab: ${parcel.run}`.replaceAll('&', '&amp;'),
    xref: 'paper', x: 0, xanchor: 'left', yref: 'paper', y: 0, yanchor: 'top', yshift: -margin.b + 26, font: { size: 12 },
  };
  const paper = getComputedStyle(node).getPropertyValue('--st-background-color').trim();
  const annotations = [...(layout.annotations ?? []), name];
  const font = { ...layout.template?.layout?.font, ...layout.font, family: 'sans-serif' }; // a file has no web fonts
  return { data, layout: { ...layout, margin, annotations, font, paper_bgcolor: paper, plot_bgcolor: paper } };
};

const save = async (node, parcel, format) => {
  const size = { width: node.clientWidth, height: node.clientHeight + 24, scale: format === 'png' ? 2 : 1 };
  const image = await window.Plotly.toImage(imageOf(node, parcel), { format, ...size });
  const link = document.createElement('a');
  link.href = image;
  link.download = `gradient-flow-${parcel.run.split('#')[1]}.${format}`;
  link.click();
};
