/** Windows of samples on their way from a proxy to the controller. Pure. */
import type { SampledWindow } from '../model/samples.ts';
import type { WindowReport } from './wire.ts';

export const windowReport = ({ number, missed, endpoints }: SampledWindow): WindowReport => [
  number,
  [...missed],
  endpoints.map(({ row, server, address, port, inFlight, answers }) => [
    row,
    server,
    address,
    port,
    Array.from(inFlight),
    Array.from(answers),
  ]),
];

export const windowOf = ([number, missed, endpoints]: WindowReport): SampledWindow => ({
  number,
  missed,
  endpoints: endpoints.map(([row, server, address, port, inFlight, answers]) => ({
    row,
    server,
    address,
    port,
    // There are thousands of them, of hundreds of numbers.
    inFlight: Uint16Array.from(inFlight),
    answers: Uint16Array.from(answers),
  })),
});
