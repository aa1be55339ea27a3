import { posix } from 'node:path'
import ts from 'typescript'
import type { SourceTree } from './source-tree.ts'

/** One import, re-export or dynamic import of a module. */
export interface Import {
  /** As written: `./block-map.ts`, `node:fs`, `undici`. */
  readonly specifier: string
  /** Path of the imported file from the root, for a relative specifier. */
  readonly target: string | undefined
  /** True when nothing of it is left at run time. */
  readonly typeOnly: boolean
}

/** The imports of every module, by the module's path from the root. */
export type ImportGraph = ReadonlyMap<string, readonly Import[]>

/** The import graph of a tree of modules. */
export function importGraphOf(tree: SourceTree): ImportGraph {
  return new Map([...tree].map(([path, text]) => [path, importsOf(path, text)]))
}

/** The imports of one module. A dynamic import counts when its specifier is a literal. */
export function importsOf(path: string, text: string): Import[] {
  const imports: Import[] = []
  const add = (node: ts.Node | undefined, typeOnly: boolean) => {
    if (node === undefined || !ts.isStringLiteralLike(node)) return
    const target = node.text.startsWith('.') ? posix.join(posix.dirname(path), node.text) : undefined
    imports.push({ specifier: node.text, target, typeOnly })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, node.importClause?.isTypeOnly ?? false)
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly)
    else if (ts.isImportTypeNode(node))
      add(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, true)
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], false)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest))
  return imports
}

/**
 * Import cycles between files, each as the path that leads back to its start. Type imports count: files that need each
 * other's types are one concept in two files. Not every cycle is listed, but there is one in the list if there is any.
 */
export function importCycles(graph: ImportGraph): string[][] {
  const cycles: string[][] = []
  const finished = new Set<string>()
  const trail: string[] = []
  const visit = (file: string): void => {
    const start = trail.indexOf(file)
    if (start >= 0) cycles.push([...trail.slice(start), file])
    if (start >= 0 || finished.has(file)) return
    trail.push(file)
    for (const { target } of graph.get(file) ?? []) if (target !== undefined) visit(target)
    trail.pop()
    finished.add(file)
  }
  for (const file of graph.keys()) visit(file)
  return cycles
}

/** The files of ours that a file has loaded with it, directly or through others, itself among them. */
export function reachableFrom(graph: ImportGraph, file: string): ReadonlySet<string> {
  const reached = new Set([file])
  // A set gives what is added to it while it is read.
  for (const next of reached) {
    for (const { target, typeOnly } of graph.get(next) ?? []) if (target !== undefined && !typeOnly) reached.add(target)
  }
  return reached
}

/** Whether a module has a default export, in any of the ways to write one. */
export function hasDefaultExport(path: string, text: string): boolean {
  return ts.createSourceFile(path, text, ts.ScriptTarget.Latest).statements.some(statement => {
    if (ts.isExportAssignment(statement)) return true
    if (ts.isExportDeclaration(statement) && statement.exportClause && ts.isNamedExports(statement.exportClause)) {
      return statement.exportClause.elements.some(({ name }) => name.text === 'default')
    }
    const modifiers = ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined
    return modifiers?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword) ?? false
  })
}
