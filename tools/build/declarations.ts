import { dirname, join, relative } from 'node:path'
import ts from 'typescript'

/**
 * The types of a module and of what its types name, by path relative to the root.
 * @param entry relative to the root
 * @throws Error when the compiler finds something wrong with it
 */
export function declarationsOf(root: string, entry: string): ReadonlyMap<string, string> {
  const configFile = join(root, 'tsconfig.json')
  const { config } = ts.readConfigFile(configFile, ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  const program = ts.createProgram([join(root, entry)], {
    ...options,
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    rootDir: root,
  })
  const emitted = new Map<string, string>()
  const { diagnostics } = program.emit(undefined, (file, text) => void emitted.set(relative(root, file), text))
  const [problem] = diagnostics
  if (problem !== undefined) throw new Error(ts.flattenDiagnosticMessageText(problem.messageText, '\n'))
  return reachable(emitted, declarationOf(entry))
}

/** Of all that was compiled, only what is reached by types; the rest is in the bundle. */
function reachable(emitted: ReadonlyMap<string, string>, entry: string): Map<string, string> {
  const found = new Map<string, string>()
  const left = [entry]
  for (let path = left.pop(); path !== undefined; path = left.pop()) {
    const text = emitted.get(path)
    if (text === undefined) throw new Error(`the compiler made no ${path}`)
    if (found.has(path)) continue
    found.set(path, text)
    for (const { fileName } of ts.preProcessFile(text).importedFiles) {
      if (fileName.startsWith('.')) left.push(declarationOf(join(dirname(path), fileName)))
    }
  }
  return found
}

function declarationOf(module: string): string {
  return module.replace(/\.[jt]s$/, '.d.ts')
}
