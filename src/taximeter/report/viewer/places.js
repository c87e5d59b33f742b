// Where the stages of the graph stand, so that no line crosses a name: a line that passes a column has a place of its own there.
const NODE_TALL = 92, PASS_TALL = 20, NODE_MIDDLE = 28, SWEEPS = 6;

// Columns of slots, of a stage or of a line that passes; each with its column and its y.
function placeStages(stages) {
  const depth = new Map(), columns = [], slots = new Map(), links = [];
  for (const stage of stages) depth.set(stage.id, 1 + Math.max(-1, ...stage.needs.map((need) => depth.get(need) ?? -1)));
  const put = (column, slot) => { columns[column].push(slot); return slot; };
  for (let column = Math.max(0, ...depth.values()); column >= 0; column -= 1) columns[column] = [];
  for (const stage of stages) slots.set(stage.id, put(depth.get(stage.id), { stage, before: [], after: [] }));
  for (const stage of stages) for (const need of stage.needs.filter((id) => slots.has(id))) {
    const way = [slots.get(need)];
    for (let column = depth.get(need) + 1; column < depth.get(stage.id); column += 1) way.push(put(column, { before: [], after: [] }));
    way.push(slots.get(stage.id));
    for (let i = 1; i < way.length; i += 1) { way[i].before.push(way[i - 1]); way[i - 1].after.push(way[i]); }
    links.push({ from: need, to: stage.id, way });
  }
  arrange(columns);
  const tall = (column) => column.reduce((sum, slot) => sum + (slot.stage ? NODE_TALL : PASS_TALL), 0), height = Math.max(1, ...columns.map(tall));
  columns.forEach((column, i) => {
    let y = (height - tall(column)) / 2;
    for (const slot of column) {
      slot.column = i;
      slot.y = y + (slot.stage ? NODE_MIDDLE : PASS_TALL / 2);
      y += slot.stage ? NODE_TALL : PASS_TALL;
    }
  });
  return { columns, slots, links, height };
}

// Puts each slot near those that it is linked with: there and back, a few times.
function arrange(columns) {
  const number = () => columns.forEach((column) => column.forEach((slot, i) => { slot.rank = (i + 0.5) / column.length; }));
  const sort = (column, side) => {
    const middle = (slot) => (slot[side].length ? slot[side].reduce((sum, other) => sum + other.rank, 0) / slot[side].length : slot.rank);
    const wanted = new Map(column.map((slot) => [slot, middle(slot)]));
    column.sort((a, b) => wanted.get(a) - wanted.get(b));
    column.forEach((slot, i) => { slot.rank = (i + 0.5) / column.length; });
  };
  number();
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    for (let i = 1; i < columns.length; i += 1) sort(columns[i], "before");
    for (let i = columns.length - 2; i >= 0; i -= 1) sort(columns[i], "after");
  }
  for (let i = 1; i < columns.length; i += 1) sort(columns[i], "before");
}
