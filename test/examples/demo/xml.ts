/** What is wrong with the form of an XML document: tags that do not match, and text that had to be escaped. */
export function openTags(xml: string): string[] {
  const problems: string[] = [];
  const open: string[] = [];
  const tag = /<\?[^?]*\?>|<(\/?)([A-Za-z][\w-]*)((?:\s+[A-Za-z][\w:-]*="[^"<]*")*)\s*(\/?)>/g;
  let end = 0;
  for (const match of xml.matchAll(tag)) {
    problems.push(...textProblems(xml.slice(end, match.index)));
    end = match.index + match[0].length;
    const [, closes, name, attributes = "", selfClosing] = match;
    problems.push(...textProblems(attributes.replaceAll('"', "")));
    if (name === undefined || selfClosing === "/") continue;
    if (closes !== "/") open.push(name);
    else if (open.pop() !== name) problems.push(`</${name}> closes something else`);
  }
  problems.push(...textProblems(xml.slice(end)));
  return [...problems, ...open.map((name) => `<${name}> is not closed`)];
}

function textProblems(text: string): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 has no form for them
  const wrong = text.match(/<|>|&(?!(?:amp|lt|gt|quot|apos);)|[\u0000-\u0008\u000b\u000c\u000e-\u001f]/);
  return wrong ? [`${JSON.stringify(wrong[0])} in ${JSON.stringify(text.trim().slice(0, 40))}`] : [];
}
