/** IP addresses to bind: one text per address, and which of them take each other's connections. */

/** The address in its canonical text (RFC 5952), or null where it is none. */
export const canonicalAddress = (text: string): string | null => {
  if (text.includes(':')) {
    const url = `http://[${text}]/`;
    return /^[0-9a-f:.]+$/i.test(text) && URL.canParse(url) ? new URL(url).hostname.slice(1, -1) : null;
  }
  const parts = text.split('.');
  return parts.length === 4 && parts.every(isByte) ? text : null;
};

/** Whether sockets on the two (canonical) addresses and one port would take the same connections. */
export const overlap = (a: string, b: string): boolean => {
  if (a === b || a === '::' || b === '::') return true;
  return (a === '0.0.0.0' && isV4(b)) || (b === '0.0.0.0' && isV4(a));
};

const isByte = (part: string): boolean => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255;

const isV4 = (address: string): boolean => !address.includes(':');
