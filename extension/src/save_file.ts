/** Files that the browser saves. */
import { el } from './dom';

const SAVED_WITHIN = 60_000; // ms

/** Let the browser save what there is under a name. */
export function saveFile(name: string, content: Blob): void {
  const address = URL.createObjectURL(content);
  const link = el('a', { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), SAVED_WITHIN);
}
