import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { naiveGroup, naiveTest, randomInput, randomOf, randomSample } from '../../test/fuzz/pattern-naive.ts';
import { compilePattern, PatternError, type PatternSyntax } from './pattern.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function matches(source: string, subject: string, syntax: PatternSyntax = 'ere'): boolean {
  const bytes = bytesOf(`xx${subject}yy`);
  return compilePattern(source, syntax).test(bytes, 2, bytes.length - 2);
}

function group(source: string, index: number, subject: string): string | null {
  const bytes = bytesOf(`xx${subject}yy`);
  const span = compilePattern(source, 'ere').group(index, bytes, 2, bytes.length - 2);
  return span && `${span.start - 2}-${span.end - 2}`;
}

describe('extended regular expressions', () => {
  const table: readonly [source: string, yes: readonly string[], no: readonly string[]][] = [
    ['/images/.*', ['/images/', '/a/images/b'], ['/images', '/Images/']],
    ['^/appc/.*', ['/appc/x'], ['/x/appc/', '/appc']],
    ['.*', ['', '/'], []],
    ['^/.*', ['/', '/x'], ['*']],
    ['/a(b|c)*d$', ['/ad', '/abcbd'], ['/abcbda', '/aed']],
    ['a{2,3}b', ['aab', 'aaab', 'xaaaaab'], ['ab']],
    ['^a{2}$', ['aa'], ['a', 'aaa']],
    ['^a{2,}$', ['aa', 'aaaa'], ['a']],
    ['[[:digit:]]+[[:alpha:]]', ['x9a', '12Z'], ['a9', '9']],
    ['^[]a]+$', ['a]a'], ['b', '']],
    ['^[^]a]+$', ['bc'], ['a', ']']],
    ['^[a-]+$', ['a-'], ['b']],
    ['^[a\\]$', ['a', '\\'], ['b']],
    ['\\.php$', ['/x.php'], ['/xphp', '/x.php5']],
    ['a|^b|c$', ['xax', 'bx', 'xc'], ['xb', 'cx']],
    ['(^a|b)c', ['ac', 'xbc'], ['xac']],
    ['x$|^$', ['', 'ax'], ['xa']],
    ['é+', ['éé', 'xé'], ['e']],
    ['/(a+)+$', ['/aaa'], ['/aaab']],
    ['(a?){400}b', ['b', 'aab'], ['a']],
  ];
  for (const [source, yes, no] of table) {
    it(source, () => {
      for (const subject of yes) assert.equal(matches(source, subject), true, subject);
      for (const subject of no) assert.equal(matches(source, subject), false, subject);
    });
  }
});

describe("RE2's syntax, the whole subject", () => {
  const table: readonly [source: string, yes: readonly string[], no: readonly string[]][] = [
    ['/v\\d+/\\w+', ['/v12/a_b'], ['/v/a', 'x/v1/a', '/v1/a-b']],
    ['(?:a|b)+?c??', ['ab', 'abc'], ['', 'cc']],
    ['(?i)/Shop/[a-c]', ['/sHOP/B'], ['/shop/d']],
    ['/(?i:a)b', ['/Ab', '/ab'], ['/aB']],
    ['((?i)a)b', ['Ab'], ['AB']],
    ['\\x41\\x{42}[\\d\\-]', ['AB-', 'AB7'], ['ABx']],
    ['[[:^digit:]]\\S\\D\\W', ['ab-/'], ['1b-/']],
    ['(?P<user>[^/]+)/(?<item>x)', ['a/x'], ['a/y']],
    ['', [''], ['a']],
    ['a||b', ['a', '', 'b'], ['ab']],
    ['\\A/x\\z', ['/x'], ['/xx']],
    ['a{,2}', ['a{,2}'], ['aa']],
    ['/foo/.*', ['/foo/', '/foo/bar'], ['/foo', '/x/foo/']],
    ['(?s-i)a.b', ['axb'], ['ab']],
  ];
  for (const [source, yes, no] of table) {
    it(source, () => {
      for (const subject of yes) assert.equal(matches(source, subject, 'regex'), true, subject);
      for (const subject of no) assert.equal(matches(source, subject, 'regex'), false, subject);
    });
  }
});

describe('groups: leftmost, longest, each part from left to right', () => {
  const table: readonly [source: string, subject: string, groups: readonly (string | null)[]][] = [
    ['/users/([^/]+)/.*', '/x/users/alice/page/1', ['9-14']],
    ['/users/([^/]+)/.*', '/users//x', []],
    ['(a|ab)(c|bcd)(d*)', 'abcd', ['0-2', '2-3', '3-4']],
    ['(a|ab)(bcd|c)', 'abcd', ['0-1', '1-4']],
    ['(a*)(ab)*(b*)', 'abb', ['0-1', null, '1-3']],
    ['(a*)(a|aa)', 'aaaa', ['0-3', '3-4']],
    ['(a*)*', 'b', ['0-0']],
    ['(a*)*', 'aab', ['0-2']],
    ['(a*)+', '', ['0-0']],
    ['(a|b)*', 'abba', ['3-4']],
    ['((a)|(b))*', 'ab', ['1-2', null, '1-2']],
    ['(a*){2}', 'aa', ['2-2']],
    ['((..)|(.)){2}', 'aaa', ['2-3', null, '2-3']],
    ['(a|b)?c', 'c', [null]],
    ['(x)?(xy|y)', 'xy', ['0-1', '1-2']],
    ['(ab|a)(bc)?', 'abc', ['0-1', '1-3']],
    ['(^|a)(b)', 'ab', ['0-1', '1-2']],
    ['(^|a)(b)', 'b', ['0-0', '0-1']],
    ['(a|b$)*', 'aab', ['2-3']],
    ['/([a-z]+)(/[a-z]+){2,3}', '/a/b/c/d/e', ['1-2', '6-8']],
    ['b(a{0,2})(a*)', 'baaa', ['1-3', '3-4']],
  ];
  for (const [source, subject, groups] of table) {
    it(`${source} on ${subject}`, () => {
      if (groups.length === 0) assert.equal(group(source, 1, subject), null);
      groups.forEach((expected, index) => assert.equal(group(source, index + 1, subject), expected, `${index + 1}`));
    });
  }

  it('refuses a group that is not there, and one that would cost too much', () => {
    assert.throws(
      () => compilePattern('(a)', 'ere').finderOf(2),
      /read a pattern with 1 groups, expected one that has/,
    );
    assert.throws(() => compilePattern('((a?b?c?){30}x)*', 'ere').finderOf(1), /a search for group 1 of cost/);
  });
});

describe('what is refused', () => {
  const table: readonly [source: string, syntax: PatternSyntax, message: RegExp][] = [
    ['a**', 'ere', /^at character 2: read "\*\*", expected one repetition/],
    ['a+?', 'ere', /^at character 2: read "\+\?"/],
    ['*a', 'ere', /^at character 1: read "\*", expected something to repeat/],
    ['a|*', 'ere', /^at character 3/],
    ['^*', 'ere', /^at character 1: read "\^\*", expected an anchor without/],
    ['(a', 'ere', /^at character 3: read the end, expected "\)" for the "\(" at character 1$/],
    ['a)', 'ere', /^at character 2: read "\)", expected the end/],
    ['', 'ere', /^at character 1: read the end, expected an expression$/],
    ['a|', 'ere', /^at character 3: read the end/],
    ['()', 'ere', /^at character 2: read "\)"/],
    ['[a', 'ere', /^at character 3: read the end, expected "\]" for the "\[" at character 1$/],
    ['[z-a]', 'ere', /^at character 2: read "z-a", expected a range that goes upwards$/],
    ['[[.a.]]', 'ere', /^at character 2: read "\[\.", expected no collating symbols/],
    ['[[=a=]]', 'ere', /^at character 2/],
    ['[[:foo:]]', 'ere', /^at character 2: read "\[:foo", expected one of \[:alnum:\]/],
    ['[é]', 'ere', /^at character 2: read "é", expected an ASCII character/],
    ['(a)\\1', 'ere', /^at character 4: read "\\\\1", expected no back-references/],
    ['\\d', 'ere', /^at character 1: read "\\\\d", expected an escaped punctuation mark/],
    ['a\\', 'ere', /^at character 3: read the end, expected a character behind/],
    ['a{2,1}', 'ere', /^at character 2: read "\{2,1\}", expected a lower bound/],
    ['a{1001}', 'ere', /^at character 2: read "\{1001\}", expected at most 1000/],
    ['a{x}', 'ere', /^at character 2: read "\{x\}", expected \{m\}, \{m,\} or \{m,n\}/],
    ['(?=a)', 'regex', /^at character 1: read "\(\?=", expected no look-around/],
    ['(?<!a)', 'regex', /no look-around/],
    ['(?m)a', 'regex', /^at character 1: read "\(\?m\)a", expected \(\?:…\)/],
    ['\\bx', 'regex', /^at character 1: read "\\\\b", expected no word boundaries/],
    ['\\pL', 'regex', /^at character 1: read "\\\\p"/],
    ['(a)\\1', 'regex', /no back-references/],
    ['\\xZZ', 'regex', /two hexadecimal digits/],
    [`${'('.repeat(200)}a`, 'ere', /nested at most 100 deep/],
    ['(((a{100}){100}){100}){100}', 'ere', /read a pattern of 100000001 bytes .*, expected at most 1054$/],
    ['a'.repeat(1025), 'ere', /^at character 1: read 1025 bytes, expected at most 1024$/],
    ['x(a*b*){400}y', 'ere', /a pattern of cost \d+, expected at most/],
  ];
  for (const [source, syntax, message] of table) {
    it(source.slice(0, 40), () => {
      assert.throws(
        () => compilePattern(source, syntax),
        (error) => error instanceof PatternError && message.test(error.message),
      );
    });
  }
});

describe('anchors that follow each other', () => {
  it('hold on nothing at all, whatever was looked at before', () => {
    for (const source of ['(x|$^$)', '(x|$^$^$^)', '(x|^$^$^$)']) {
      const pattern = compilePattern(source, 'ere');
      const bytes = bytesOf('axx');
      assert.deepEqual({ ...pattern.group(1, bytes, 0, 3) }, { start: 1, end: 2 });
      assert.deepEqual({ ...pattern.group(1, bytes, 0, 0) }, { start: 0, end: 0 }, source);
      assert.equal(pattern.group(1, bytes, 0, 1), null);
    }
  });
});

describe('against other matchers', () => {
  it("gives the verdict of JavaScript's RegExp where the syntax is the same", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = randomOf(seed);
        const { source } = randomSample(random);
        const searched = compilePattern(source, 'ere');
        const whole = compilePattern(source, 'regex');
        for (let each = 0; each < 5; each++) {
          const input = randomInput(random);
          const text = String.fromCharCode(...input);
          assert.equal(
            searched.test(input, 0, input.length),
            new RegExp(source, 's').test(text),
            `${source} on ${text}`,
          );
          const expected = new RegExp(`^(?:${source})$`, 's').test(text);
          assert.equal(whole.test(input, 0, input.length), expected, `the whole: ${source} on ${text}`);
        }
      }),
      { numRuns: 1500 },
    );
  });

  it('gives verdict and groups of the plainest matcher', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = randomOf(seed);
        const { source, expr, groups } = randomSample(random);
        const pattern = compilePattern(source, 'ere');
        for (let each = 0; each < 4; each++) {
          const input = randomInput(random);
          const what = `${source} on ${String.fromCharCode(...input)}`;
          assert.equal(pattern.test(input, 0, input.length), naiveTest(expr, input), what);
          for (let index = 1; index <= groups; index++) {
            const span = pattern.group(index, input, 0, input.length);
            assert.deepEqual(span && [span.start, span.end], naiveGroup(expr, index, input), `${what}: ${index}`);
          }
        }
      }),
      { numRuns: 1500 },
    );
  });
});
