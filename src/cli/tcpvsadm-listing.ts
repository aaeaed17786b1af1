/** The listing as text: all of it, comments and counts included, is a configuration file. */
import { printMatrices } from '../ktcpvs/matrices.ts';
import type { MatrixOptions } from '../ktcpvs/matrices.ts';
import { printVirtual } from '../ktcpvs/print.ts';
import type { Table } from '../ktcpvs/table.ts';
import type { Style } from './output.ts';

export interface ListingOptions extends MatrixOptions {
  readonly version: string;
}

export function listingText(table: Table, options: ListingOptions, style: Style): string {
  const count = table.virtuals.length;
  const blocks = table.virtuals.map((virtual) => {
    const matrices = printMatrices(virtual, options);
    return printVirtual(virtual, options) + (matrices === '' ? '' : `#\n${matrices}`);
  });
  const head = `# tcpvs ${options.version}: ${count} virtual server${count === 1 ? '' : 's'}\n`;
  return paint([head, ...blocks].join('\n'), style);
}

/** Comments stand back, names of virtual servers stand out. */
function paint(text: string, style: Style): string {
  const lines = text.split('\n').map((line) => {
    if (/^\s*#/.test(line)) return style.dim(line);
    const virtual = /^(Virtual )(\S+)( \{)$/.exec(line);
    return virtual === null ? line : `${virtual[1]}${style.bold(virtual[2] ?? '')}${virtual[3]}`;
  });
  return lines.join('\n');
}
