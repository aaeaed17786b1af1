/** The heads that are being looked at: one of each per thread, used within one call and overwritten by the next. */
import { ResponseHead } from '../../http/parse-response.ts';
import { RequestHead } from '../../http/request-head.ts';

export const head = new RequestHead();
export const answerHead = new ResponseHead();
