import { describe, expect, it } from 'vitest'
import { withFirstInList } from '../../../../dfdaemon/node/install/formats/daemon-json.ts'

const PATH = '/etc/docker/daemon.json'
const add = (text: string) => withFirstInList(text, 'mirrors', 'http://m:1', PATH)

describe('withFirstInList', () => {
  it.each([
    ['', '{\n  "mirrors": [\n    "http://m:1"\n  ]\n}\n'],
    [' \n', '{\n  "mirrors": [\n    "http://m:1"\n  ]\n}\n'],
    ['{}', '{\n  "mirrors": ["http://m:1"]\n}'],
    ['{"a":1}', '{"a":1, "mirrors": ["http://m:1"]}'],
    ['{\n\t"a": {"mirrors": []}\n}\n', '{\n\t"a": {"mirrors": []},\n\t"mirrors": ["http://m:1"]\n}\n'],
    ['{"mirrors":[],"z":1}', '{"mirrors":["http://m:1"],"z":1}'],
    ['{"mirrors": ["http://a", "http://b"]}', '{"mirrors": ["http://m:1", "http://a", "http://b"]}'],
    [
      '{\n  "z": 1e3,\n  "mirrors": [\n    "http://a"\n  ],\n  "b": "}\\"]"\n}',
      '{\n  "z": 1e3,\n  "mirrors": [\n    "http://m:1",\n    "http://a"\n  ],\n  "b": "}\\"]"\n}',
    ],
    ['{"b": "mirrors", "c": ["mirrors"]}', '{"b": "mirrors", "c": ["mirrors"], "mirrors": ["http://m:1"]}'],
    ['{"mirrors": ["x"], "mirrors": ["y"]}', '{"mirrors": ["x"], "mirrors": ["http://m:1", "y"]}'],
    ['{"\\u006dirrors": ["y"]}', '{"\\u006dirrors": ["http://m:1", "y"]}'],
  ])('makes of %j the text %j', (before, after) => {
    expect(add(before)).toBe(after)
    expect(add(after)).toBe(after)
  })

  it('leaves a list alone that has the item, with or without a slash at its end', () => {
    for (const text of ['{"mirrors":["http://a","http://m:1"]}', '{"mirrors":["http://m:1/"]}'])
      expect(add(text)).toBe(text)
  })

  it.each([
    ['{\n  "a": 1,\n  "b": }\n', 'line 3'],
    ['{\n  "a": 1,\n', 'line 2'],
    ['\n[]', 'line 2: expected a JSON object'],
    ['null', 'line 1: expected a JSON object'],
    ['{\n "mirrors": "http://a"}', 'line 2: expected "mirrors" to be a list of strings'],
    ['{\n "mirrors": [1]}', 'line 2: expected "mirrors" to be a list of strings'],
    ['{"a": 1} {"b": 2}', 'line 1'],
  ])('refuses %j and says where', (text, place) => {
    expect(() => add(text)).toThrow(`${PATH} ${place}`)
  })
})
