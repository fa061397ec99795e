/** A level of topics that hold something. */
export interface TopicNode<Item> {
  /** Text of the level; empty where the topic has an empty level. */
  readonly level: string;
  /** What the topic that ends here holds. */
  item: Item | undefined;
  readonly children: Map<string, TopicNode<Item>>;
}

/** Topics by their levels, in the order in which they come. */
export function topicTree<Item extends { readonly topic: string }>(items: readonly Item[]): TopicNode<Item> {
  const top: TopicNode<Item> = { level: '', item: undefined, children: new Map() };
  for (const item of items) {
    let node = top;
    for (const level of item.topic.split('/')) {
      let child = node.children.get(level);
      if (child === undefined) {
        child = { level, item: undefined, children: new Map() };
        node.children.set(level, child);
      }
      node = child;
    }
    node.item = item;
  }
  return top;
}
