const TOO_LONG = 'These settings do not fit into a link: shorten the text.';

// A clipboard exists on https and on localhost only.
const copy = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
};

export default function ({ data, parentElement }) {
  const [button, label, field, status] = ['button', 'label', 'input', '[role=status]'].map((one) =>
    parentElement.querySelector(one));
  status.textContent = data.query === null ? TOO_LONG : '';
  button.disabled = data.query === null;
  label.hidden = true;
  button.onclick = async () => {
    const { origin, pathname } = window.location;
    field.value = `${origin}${pathname}?${data.query}`;
    const isCopied = await copy(field.value);
    status.textContent = isCopied ? 'Copied: the link has every setting in it.' : '';
    label.hidden = isCopied;
    if (!isCopied) field.select();
  };
}
