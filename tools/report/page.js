// The page of `weir load --html` and `weir report --html`: reads the results from #data and draws them.
'use strict';
(() => {
  const page = JSON.parse(document.getElementById('data').textContent);
  const runs = page.results.map((entry, i) => ({
    letter: i < 26 ? String.fromCharCode(65 + i) : 'R' + (i + 1),
    name: entry.name, result: entry.result, colour: `var(--c${i % 6})`, dash: ['', '7 3', '2 3'][Math.floor(i / 6) % 3],
    values: expand(entry.result.latency.histogram),
  }));
  const several = runs.length > 1;
  const noun = runs.every((run) => run.result.options && run.result.options.ws) ? 'messages' : 'requests';

  // ---- numbers as text ---------------------------------------------------------------------------

  function digits(value) {
    return value >= 99.95 ? value.toFixed(0) : value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
  }

  function scaled(value, units, exact) {
    const size = Math.abs(value);
    const [most, unit] = units.find(([limit]) => size >= limit * 0.9995) || units[units.length - 1];
    const number = size / most;
    const text = exact ? String(+number.toPrecision(3)) : most === 1 && Number.isInteger(number) ? String(number) : digits(number);
    return (value < 0 ? '\u2212' : '') + text + unit;
  }

  const TIMES = [[1e9, '\u202fs'], [1e6, '\u202fms'], [1e3, '\u202f\u00b5s'], [1, '\u202fns']];
  const COUNTS = [[1e9, 'G'], [1e6, 'M'], [1e3, 'k'], [1, '']];
  const time = (ns) => (ns === null || ns === undefined ? '\u2013' : scaled(ns, TIMES));
  const count = (number) => (number === null || number === undefined ? '\u2013' : scaled(number, COUNTS));
  const whole = (number) => number.toLocaleString('en');
  const share = (part) => (part > 0 && part < 0.0001 ? '<0.01%' : (part * 100).toFixed(2) + '%');

  function change(from, to) {
    if (from === to) return '=';
    if (!(from > 0)) return '';
    const part = to / from - 1, size = Math.abs(part);
    if (size >= 100) return '\u00d7' + (part + 1).toFixed(0);
    return (part < 0 ? '\u2212' : '+') + (size * 100).toFixed(size < 0.00995 ? 2 : size < 0.0995 ? 1 : 0) + '%';
  }

  // ---- histograms --------------------------------------------------------------------------------

  // The values of a histogram as [how many are at most this, value], the lowest first.
  function expand(histogram) {
    if (!histogram) return [];
    let seen = 0;
    return histogram.buckets.map(([index, number]) => {
      const shift = Math.max(0, (index >> 7) - 1);
      const width = 2 ** shift, lowest = (index - (shift << 7)) * width;
      const value = index < 256 ? index : lowest + width / 2;
      return [seen += number, Math.min(Math.max(value, histogram.min), histogram.max)];
    });
  }

  function percentile(run, percent) {
    const { values, result } = run;
    if (values.length === 0) return null;
    const total = values[values.length - 1][0];
    const rank = Math.max(1, Math.ceil(total * percent / 100 - total * 1e-12));
    if (percent <= 0) return result.latency.histogram.min;
    if (rank >= total) return result.latency.histogram.max;
    let low = 0, high = values.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (values[middle][0] < rank) low = middle + 1; else high = middle;
    }
    return values[low][1];
  }

  // ---- elements ----------------------------------------------------------------------------------

  function make(name, attributes, ...children) {
    const svg = ['svg', 'path', 'line', 'text', 'g', 'rect', 'circle'].includes(name);
    const element = svg ? document.createElementNS('http://www.w3.org/2000/svg', name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {}))
      if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value === true ? '' : value);
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  }

  function key(colour, dash) {
    const kind = !dash ? 'key' : dash.startsWith('2') || dash.startsWith('1') ? 'key dotted' : 'key dashed';
    return make('span', { class: kind, style: `color:${colour}`, 'aria-hidden': 'true' });
  }

  // Rows are lists of cells; a cell is a text or an element. The first is the row's head.
  function table(head, rows, label) {
    const cells = (row, first) => row.map((cell, i) => {
      const extra = cell && cell.text !== undefined ? { class: cell.kind } : {};
      return make(i === 0 && first ? 'th' : 'td', { ...(i === 0 && first ? { scope: 'row' } : {}), ...extra },
        cell && cell.text !== undefined ? cell.text : cell);
    });
    return make('table', { 'aria-label': label },
      make('thead', null, make('tr', null, ...head.map((cell) => make('th', { scope: 'col' }, cell)))),
      make('tbody', null, ...rows.map((row) => make('tr', null, ...cells(row, true)))));
  }

  // ---- axes --------------------------------------------------------------------------------------

  function linear(low, high, format) {
    if (high <= low) high = low + 1;
    return { low, high, format, at: (value) => (value - low) / (high - low),
      ticks(most) {
        const rough = (high - low) / most, power = 10 ** Math.floor(Math.log10(rough));
        const step = power * [1, 2, 5, 10].find((times) => times * power >= rough);
        const list = [];
        for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) list.push(i * step);
        return list;
      } };
  }

  function logarithmic(low, high, format) {
    low = Math.max(low, 1);
    high = Math.max(high, low * 1.01);
    const from = Math.log10(low), span = Math.log10(high) - from;
    return { low, high, format, at: (value) => (Math.log10(Math.max(value, low)) - from) / span,
      ticks(most) {
        for (const steps of [[1, 1.5, 2, 3, 5, 7], [1, 2, 5], [1, 3], [1]]) {
          const list = [];
          for (let power = Math.floor(from); power <= Math.ceil(from + span); power++)
            for (const step of steps) {
              const value = step * 10 ** power;
              if (value >= low * 0.999 && value <= high * 1.001) list.push(value);
            }
          if (list.length <= most || steps.length === 1) return list.length >= 2 ? list : [low, high];
        }
        return [];
      } };
  }

  // Percentiles by their number of nines: x is -log10(1 - part).
  function nines(high) {
    const names = ['0%', '90%', '99%', '99.9%', '99.99%', '99.999%', '99.9999%', '99.99999%', '99.999999%'];
    return { low: 0, high, at: (x) => x / high,
      format: (x) => 'p' + +(100 * (1 - 10 ** -x)).toFixed(Math.max(1, Math.ceil(x))),
      label: (x) => (x === -Math.log10(0.5) ? '50%' : names[Math.round(x)]),
      ticks: (most) => {
        const list = [0, ...(most >= 6 ? [-Math.log10(0.5)] : [])];
        const step = Math.ceil(high / Math.max(1, most - 1));
        for (let x = 1; x <= high && x < names.length; x += step) list.push(x);
        return list;
      } };
  }

  // ---- plots -------------------------------------------------------------------------------------

  function path(points, x, y, stepped) {
    let text = '', before = null;
    for (const [px, py] of points) {
      if (py === null || py === undefined) { before = null; continue; }
      const at = `${x(px).toFixed(1)} ${y(py).toFixed(1)}`;
      text += before === null ? `M${at}` : stepped ? `V${y(py).toFixed(1)}H${x(px).toFixed(1)}` : `L${at}`;
      before = py;
    }
    return text;
  }

  function drawAxes(svg, spec, box, x, y) {
    for (const tick of spec.y.ticks(box.rows)) {
      const at = y(tick);
      svg.append(make('line', { class: 'grid', x1: box.left, x2: box.left + box.width, y1: at, y2: at }),
        make('text', { x: box.left - 6, y: at + 4, 'text-anchor': 'end' }, spec.y.format(tick)));
    }
    let free = 0; // where the next label may begin
    for (const tick of spec.x.ticks(Math.max(2, Math.floor(box.width / 62)))) {
      const at = x(tick), text = (spec.x.label || spec.x.format)(tick), half = 3.4 * text.length;
      if (at - half < free) continue;
      free = at + half + 6;
      svg.append(make('line', { class: 'grid', x1: at, x2: at, y1: box.top, y2: box.top + box.height }),
        make('text', { x: at, y: box.top + box.height + 17, 'text-anchor': at > box.left + box.width - 12 ? 'end' : 'middle' }, text));
    }
    for (const mark of spec.marks || [])
      svg.append(make('line', { class: 'mark', x1: x(mark), x2: x(mark), y1: box.top, y2: box.top + box.height }));
    svg.append(make('line', { class: 'axis', x1: box.left, x2: box.left + box.width, y1: box.top + box.height,
      y2: box.top + box.height }));
  }

  function drawLines(svg, spec, box, x, y) {
    for (const line of spec.lines) {
      const drawn = path(line.points, x, y, line.stepped);
      if (line.area && line.points.length > 1) {
        const [first, last] = [line.points[0][0], line.points[line.points.length - 1][0]];
        const base = (box.top + box.height).toFixed(1);
        svg.append(make('path', { class: 'area', style: `fill:${line.colour}`,
          d: `${drawn}L${x(last).toFixed(1)} ${base}L${x(first).toFixed(1)} ${base}Z` }));
      }
      svg.append(make('path', { class: 'line', d: drawn, style: `stroke:${line.colour};stroke-dasharray:${line.dash || 'none'}` }));
      if (line.points.length === 1 && line.points[0][1] !== null)
        svg.append(make('circle', { cx: x(line.points[0][0]), cy: y(line.points[0][1]), r: 3, style: `fill:${line.colour}` }));
    }
  }

  // The value of a line at `at`: of the nearest point, or of a stepped line the next one.
  function valueAt(line, at) {
    const { points } = line;
    let low = 0, high = points.length - 1;
    if (high < 0) return null;
    const end = points[high][0], step = line.stepped || high === 0 ? 0 : end - points[high - 1][0];
    if (at > end + step / 2 + 1e-9) return null; // this run was shorter
    while (low < high) {
      const middle = (low + high) >> 1;
      if (points[middle][0] < at) low = middle + 1; else high = middle;
    }
    if (!line.stepped && low > 0 && at - points[low - 1][0] < points[low][0] - at) low--;
    return points[low][1];
  }

  function showTip(holder, spec, box, x, at) {
    const left = x(at), cursor = holder.querySelector('.cursor');
    cursor.setAttribute('x1', left);
    cursor.setAttribute('x2', left);
    cursor.removeAttribute('visibility');
    const rows = spec.lines.map((line) => make('tr', null, make('th', null, key(line.colour, line.dash), line.label),
      make('td', null, (line.format || spec.y.format)(valueAt(line, at)))));
    const tip = holder.querySelector('.tip');
    tip.replaceChildren(make('b', null, spec.x.format(at)), make('table', null, ...rows));
    tip.hidden = false;
    const room = holder.clientWidth - tip.offsetWidth;
    const beside = left + 12 > room ? left - tip.offsetWidth - 12 : left + 12;
    tip.style.transform = `translate(${Math.max(0, Math.min(beside, room))}px, 4px)`;
  }

  function hideTip(holder) {
    holder.querySelector('.tip').hidden = true;
    holder.querySelector('.cursor').setAttribute('visibility', 'hidden');
  }

  function draw(holder, spec) {
    const width = Math.max(240, holder.clientWidth), height = width < 420 ? 210 : 260;
    const box = { top: 10, height: height - 38, rows: Math.floor((height - 38) / 38) };
    box.left = 12 + 7.8 * Math.max(...spec.y.ticks(box.rows).map((tick) => spec.y.format(tick).length));
    box.width = width - box.left - 10;
    const x = (value) => box.left + spec.x.at(value) * box.width;
    const y = (value) => box.top + (1 - Math.min(1.02, spec.y.at(value))) * box.height;
    const svg = make('svg', { viewBox: `0 0 ${width} ${height}`, height, role: 'img', tabindex: 0,
      'aria-label': `${spec.title}. The table below has the same values. Arrow keys move along the plot.` });
    drawAxes(svg, spec, box, x, y);
    drawLines(svg, spec, box, x, y);
    svg.append(make('line', { class: 'cursor', y1: box.top, y2: box.top + box.height, visibility: 'hidden' }));
    holder.replaceChildren(svg, make('div', { class: 'tip', hidden: true, role: 'status' }));
    listen(holder, svg, spec, box, x);
  }

  function listen(holder, svg, spec, box, x) {
    const all = [...new Set(spec.lines.flatMap((line) => line.points.map(([at]) => at)))].sort((a, b) => a - b);
    const stops = spec.stops || all;
    let stop = -1;
    const go = (to) => {
      stop = Math.max(0, Math.min(stops.length - 1, to));
      if (stops.length) showTip(holder, spec, box, x, stops[stop]);
    };
    svg.addEventListener('pointermove', (event) => {
      const part = (event.clientX - svg.getBoundingClientRect().left - box.left) / box.width;
      let best = 0;
      for (let i = 1; i < stops.length; i++)
        if (Math.abs(spec.x.at(stops[i]) - part) < Math.abs(spec.x.at(stops[best]) - part)) best = i;
      go(best);
    });
    svg.addEventListener('pointerleave', () => hideTip(holder));
    svg.addEventListener('blur', () => hideTip(holder));
    svg.addEventListener('keydown', (event) => {
      const moves = { ArrowLeft: stop - 1, ArrowRight: stop + 1, Home: 0, End: stops.length - 1 };
      if (event.key === 'Escape') hideTip(holder);
      if (!(event.key in moves)) return;
      event.preventDefault();
      go(moves[event.key]);
    });
  }

  // A figure: caption, legend, plot, and the same values as a table.
  function figure(spec) {
    const holder = make('div', { class: 'plot' });
    const legend = spec.lines.length > 1 || several
      ? make('ul', { class: 'legend' }, ...spec.lines.map((line) => make('li', null, key(line.colour, line.dash), line.label)))
      : null;
    const details = make('details', null, make('summary', null, 'Table'));
    details.addEventListener('toggle', () => {
      if (details.childElementCount > 1) return;
      details.append(make('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': spec.title }, spec.table()));
    });
    const element = make('figure', { id: spec.id },
      make('figcaption', null, make('h3', null, spec.title), make('span', { class: 'soft' }, spec.note)), legend, holder, details);
    let before = 0;
    // In the next frame, because drawing changes sizes.
    new ResizeObserver(() => requestAnimationFrame(() => {
      if (holder.clientWidth !== before) draw(holder, spec);
      before = holder.clientWidth;
    })).observe(holder);
    return element;
  }

  // ---- what is plotted ---------------------------------------------------------------------------

  const series = (run) => run.result.series || [];
  const middle = (row) => row.second + (row.seconds || 1) / 2;
  const seconds = (value) => +value.toPrecision(4) + '\u202fs';
  const label = (run, what) => (several ? `${run.letter} ${what}` : what);

  function over(run, value) {
    return series(run).map((row) => [middle(row), value(row)]);
  }

  function highest(lines) {
    return lines.reduce((most, line) => line.points.reduce((m, [, y]) => (y > m ? y : m), most), 0);
  }

  function lowest(lines) {
    return lines.reduce((least, line) => line.points.reduce((m, [, y]) => (y > 0 && y < m ? y : m), least), Infinity);
  }

  function timeAxis() {
    const end = Math.max(...runs.map((run) => run.result.duration_ns / 1e9));
    return linear(0, end, seconds);
  }

  function stageMarks() {
    return runs.length === 1 ? (runs[0].result.stages || []).slice(1).map((stage) => stage.begin_ns / 1e9) : [];
  }

  function timeTable(lines, format) {
    return () => {
      const stops = [...new Set(lines.flatMap((line) => line.points.map(([at]) => at)))].sort((a, b) => a - b);
      return table(['time', ...lines.map((line) => line.label)],
        stops.map((at) => [seconds(at), ...lines.map((line) => format(valueAt(line, at)))]), 'values over time');
    };
  }

  function timePlot(id, title, note, lines, y, format) {
    return figure({ id, title, note, lines, y, x: timeAxis(), marks: stageMarks(), table: timeTable(lines, format || y.format) });
  }

  const PERCENTILES = [['p50_ns', 'p50', ''], ['p90_ns', 'p90', '5 3'], ['p99_ns', 'p99', ''], ['p99_9_ns', 'p99.9', '5 3'],
    ['max_ns', 'max', '1 3']];

  function latencyLines() {
    if (several)
      return runs.flatMap((run) => [['p50_ns', 'p50', '2 3'], ['p99_ns', 'p99', '']].map(([name, what, dash]) => (
        { label: `${run.letter} ${what}`, colour: run.colour, dash, points: over(run, (row) => (row.done > row.failed ? row[name] : null)) })));
    const colours = { p50_ns: 'var(--c0)', p90_ns: 'var(--c0)', p99_ns: 'var(--c1)', p99_9_ns: 'var(--c1)', max_ns: 'var(--soft)' };
    return PERCENTILES.filter(([name]) => series(runs[0]).some((row) => row[name] !== undefined && row[name] !== null))
      .map(([name, what, dash]) => ({ label: what, colour: colours[name], dash,
        points: over(runs[0], (row) => (row.done > row.failed ? row[name] : null)) }));
  }

  function latencyPlot() {
    const lines = latencyLines();
    const axis = logarithmic(lowest(lines) * 0.8, highest(lines) * 1.15, (ns) => scaled(ns, TIMES, true));
    return timePlot('latency', 'Latency over time', `successful ${noun}, logarithmic`, lines, axis, time);
  }

  function distributionLine(values, line) {
    const total = values[values.length - 1][0];
    const points = [[0, values[0][1]], ...values.map(([seen, value]) => (
      [seen < total ? -Math.log10(1 - seen / total) : Math.log10(total) + 0.3, value]))];
    return { ...line, stepped: true, points };
  }

  function distributionLines() {
    const lines = runs.filter((run) => run.values.length).map((run) => (
      distributionLine(run.values, { label: several ? run.letter : 'succeeded', colour: run.colour, dash: run.dash })));
    const failed = several ? [] : expand((runs[0].result.failed_latency || {}).histogram);
    if (failed.length) lines.push(distributionLine(failed, { label: 'failed', colour: 'var(--bad)', dash: '5 3' }));
    return lines;
  }

  const TABLED = [0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99, 99.999, 100];

  function distributionPlot() {
    const lines = distributionLines();
    const wide = highest(lines) > 50 * lowest(lines);
    const format = (ns) => scaled(ns, TIMES, true);
    const end = Math.max(1, ...lines.map((line) => line.points[line.points.length - 1][0]));
    const stops = [];
    for (let x = 0; x <= end; x += 0.05) stops.push(x);
    return figure({ id: 'distribution', title: 'Distribution of latencies', lines, x: nines(end), stops,
      note: `percentiles by their nines${wide ? ', logarithmic' : ''}`,
      y: wide ? logarithmic(lowest(lines) * 0.8, highest(lines) * 1.15, format) : linear(0, highest(lines) * 1.08, format),
      table: () => table(['percentile', ...runs.filter((run) => run.values.length).map((run) => (several ? run.letter : 'succeeded'))],
        TABLED.map((percent) => [percent === 0 ? 'min' : percent === 100 ? 'max' : `p${percent}`,
          ...runs.filter((run) => run.values.length).map((run) => time(percentile(run, percent)))]), 'percentiles') });
  }

  // Percents for small differences, factors for large ones.
  function ratioAxis(low, high) {
    const sign = (part) => (part > 0 ? '+' : part < 0 ? '\u2212' : '');
    if (high < 2.5 && low > 0.3) {
      const axis = linear(low * 100 - 100, high * 100 - 100, (percent) => sign(percent) + +Math.abs(percent).toFixed(2) + '%');
      return { ...axis, at: (ratio) => axis.at(ratio * 100 - 100), format: (ratio) => axis.format(ratio * 100 - 100),
        ticks: (most) => axis.ticks(most).map((percent) => percent / 100 + 1) };
    }
    const axis = logarithmic(low * 1e6, high * 1e6, (scaledUp) => '\u00d7' + +(scaledUp / 1e6).toPrecision(3));
    return { ...axis, at: (ratio) => axis.at(ratio * 1e6), format: (ratio) => axis.format(ratio * 1e6),
      ticks: (most) => axis.ticks(most).map((value) => value / 1e6) };
  }

  // How much higher each percentile is than that of the first run.
  function differencePlot() {
    const [base, ...others] = runs.filter((run) => run.values.length);
    const end = Math.log10(Math.min(...runs.map((run) => (run.values.length ? run.result.latency.count : Infinity))));
    const lines = others.map((run) => {
      const points = [];
      for (let x = 0; x <= end; x += 0.02) {
        const percent = 100 * (1 - 10 ** -x), from = percentile(base, percent);
        points.push([x, from > 0 ? percentile(run, percent) / from : null]);
      }
      return { label: run.letter, colour: run.colour, dash: run.dash, points };
    });
    return figure({ id: 'difference', title: `Difference from ${base.letter}`, note: 'at each percentile, by their nines', lines,
      x: nines(end), y: ratioAxis(Math.min(0.98, lowest(lines)), Math.max(1.02, highest(lines))),
      table: () => table(['percentile', ...others.map((run) => run.letter)], TABLED.map((percent) => [`p${percent}`,
        ...others.map((run) => change(percentile(base, percent), percentile(run, percent)))]), 'differences') });
  }

  function ratePlot() {
    const lines = runs.map((run) => ({ label: label(run, 'succeeded'), colour: run.colour, dash: run.dash, area: !several,
      points: over(run, (row) => (row.done - row.failed) / (row.seconds || 1)) }));
    if (!several && runs[0].result.requests.failed > 0)
      lines.push({ label: 'all', colour: 'var(--soft)', dash: '', points: over(runs[0], (row) => row.done / (row.seconds || 1)) });
    for (const run of runs) {
      if (series(run).some((row) => row.asked > 0)) {
        lines.push({ label: label(run, 'asked'), colour: several ? run.colour : 'var(--soft)', dash: '5 4',
          points: over(run, (row) => row.asked / (row.seconds || 1)) });
        continue;
      }
      const asked = run.result.options && run.result.options.rate;
      if (asked > 0 && !(run.result.options.stages || []).length && !lines.some((line) => line.rate === asked))
        lines.push({ label: several ? `asked: ${count(asked)}` : 'asked', colour: 'var(--soft)', dash: '5 4', rate: asked,
          points: [[0, asked], [run.result.duration_ns / 1e9, asked]] });
    }
    return timePlot('throughput', 'Throughput', `successful ${noun} a second`, lines, linear(0, highest(lines) * 1.1, count));
  }

  function errorPlot() {
    const lines = runs.map((run) => ({ label: label(run, 'failed'), colour: several ? run.colour : 'var(--bad)', dash: run.dash,
      area: !several, points: over(run, (row) => row.failed / (row.seconds || 1)) }));
    return timePlot('errors', 'Errors', `failed ${noun} a second`, lines, linear(0, Math.max(1, highest(lines) * 1.1), count));
  }

  function latenessPlot() {
    const lines = runs.map((run) => ({ label: label(run, 'p99'), colour: run.colour, dash: run.dash,
      points: over(run, (row) => row.lateness_p99_ns) }));
    const format = (ns) => scaled(ns, TIMES, true);
    return timePlot('lateness', 'Lateness of weir load', 'how late it woke itself; p99 of each second', lines,
      linear(0, Math.max(1e5, highest(lines) * 1.1), format), time);
  }

  function flightPlot() {
    const lines = runs.flatMap((run) => [
      { label: label(run, 'in flight'), colour: run.colour, dash: '', points: over(run, (row) => row.in_flight) },
      { label: label(run, 'backlog'), colour: several ? run.colour : 'var(--c1)', dash: '5 3', points: over(run, (row) => row.backlog) },
    ]);
    return timePlot('flight', noun === 'messages' ? 'Messages under way' : 'Requests under way', 'in flight, and due but not yet sent (backlog)', lines,
      linear(0, Math.max(1, highest(lines) * 1.1), count));
  }

  // ---- words and tables --------------------------------------------------------------------------

  const rate = (run) => (run.result.duration_ns > 0 ? run.result.requests.succeeded / (run.result.duration_ns / 1e9) : 0);
  const failures = (run) => (run.result.requests.done > 0 ? run.result.requests.failed / run.result.requests.done : 0);

  const limit = (run) => ({ none: 'nothing', generator: 'weir load', input: 'its input file' }[run.result.limited_by] || run.result.limited_by || '\u2013');

  function card(name, value, note) {
    return make('div', null, make('dt', null, name), make('dd', null, value, note ? make('small', null, note) : null));
  }

  function cards(run) {
    const { result } = run, { requests } = result;
    const asked = result.options && result.options.rate;
    return make('dl', { class: 'cards' },
      card('succeeded/s', count(rate(run)), asked > 0 ? `${count(asked)} asked` : null),
      card('p50', time(percentile(run, 50))), card('p99', time(percentile(run, 99))),
      card('p99.9', time(percentile(run, 99.9))), card('max', time(percentile(run, 100))),
      card('failed', share(failures(run)), `${whole(requests.failed)} of ${whole(requests.done)}`),
      card('duration', time(result.duration_ns), result.interrupted ? 'interrupted' : null),
      card('limited by', limit(run), null));
  }

  function runHead(run) {
    return make('span', null, several ? key(run.colour, run.dash) : null, several ? run.letter : run.name);
  }

  function comparison() {
    const base = runs[0];
    const rows = [['succeeded/s', rate, count], ['failed', failures, share],
      ...[['min', 0], ['p50', 50], ['p75', 75], ['p90', 90], ['p95', 95], ['p99', 99], ['p99.9', 99.9], ['p99.99', 99.99], ['max', 100]]
        .map(([name, percent]) => [name, (run) => percentile(run, percent), time])];
    const cell = (value, run, format) => {
      const text = format(value(run));
      return run === base || value(run) === null ? text : `${text}  ${change(value(base), value(run))}`;
    };
    return table(['', ...runs.map(runHead)], [
      ['limited by', ...runs.map(limit)],
      ['duration', ...runs.map((run) => time(run.result.duration_ns))],
      ...rows.map(([name, value, format]) => [name, ...runs.map((run) => cell(value, run, format))])], 'results side by side');
  }

  function judgement(difference) {
    if (difference.low_ns > 0) return make('span', { class: 'bad' }, 'slower');
    return difference.high_ns < 0 ? make('span', { class: 'good' }, 'faster') : 'no difference shown';
  }

  function differences() {
    const signed = (ns) => (ns > 0 ? '+' : '') + time(ns);
    const rows = (page.changes || []).flatMap((changes, i) => Object.entries(changes || {}).map(([name, difference]) => [
      `${runs[i].letter} ${name}`, judgement(difference), signed(difference.to_ns - difference.from_ns),
      change(difference.from_ns, difference.to_ns), `${signed(difference.low_ns)} to ${signed(difference.high_ns)}`]));
    return rows.length ? [make('h2', null, `Differences from ${runs[0].letter}`), make('p', { class: 'soft' }, page.method),
      make('div', { class: 'wide', tabindex: 0, role: 'region', 'aria-label': 'differences' },
        table(['', '', 'difference', 'change', 'interval'], rows, 'differences'))] : [];
  }

  function stages(run) {
    const list = run.result.stages || [];
    if (list.length === 0) return [];
    const rows = list.map((stage, i) => {
      const length = (stage.end_ns - stage.begin_ns) / 1e9;
      const { failed, done } = stage;
      return [stage.stage || String(i + 1), seconds(stage.begin_ns / 1e9), seconds(length),
        length > 0 ? count((done - failed) / length) : '\u2013', share(done > 0 ? failed / done : 0),
        ...['p50_ns', 'p90_ns', 'p99_ns', 'p99_9_ns', 'max_ns'].map((name) => time(stage[name]))];
    });
    return [make('h2', null, several ? `Stages of ${run.letter}` : 'Stages'),
      make('div', { class: 'wide', tabindex: 0, role: 'region', 'aria-label': 'stages' },
        table(['stage', 'from', 'length', 'succeeded/s', 'failed', 'p50', 'p90', 'p99', 'p99.9', 'max'], rows, 'stages'))];
  }

  // Every status and every kind of error, with the counts of all runs.
  function outcomes() {
    const rows = new Map();
    const add = (name, run, number) => {
      if (!rows.has(name)) rows.set(name, new Map());
      rows.get(name).set(run, number);
    };
    for (const run of runs) {
      for (const [status, number] of Object.entries(run.result.statuses || {})) add(`status ${status}`, run, number);
      for (const error of run.result.errors || []) add(error.text || `${error.kind} ${error.code}`, run, error.count);
      for (const reason of (run.result.connections || {}).reasons || [])
        add(`connection${reason.graceful ? ', gracefully' : ''}: ${reason.text}`, run, reason.count);
    }
    const list = [...rows].map(([name, counts]) => [{ text: name, kind: 'text' }, ...runs.map((run) => whole(counts.get(run) || 0))]);
    return list.length ? [make('h2', null, 'Outcomes'),
      make('div', { class: 'wide', tabindex: 0, role: 'region', 'aria-label': 'outcomes' },
        table(['', ...runs.map((run) => (several ? runHead(run) : 'count'))], list, 'outcomes'))] : [];
  }

  function thresholds() {
    const list = runs.flatMap((run) => (run.result.fail_if || []).map((row) => [
      `${several ? run.letter + ' ' : ''}${row.stage ? `stage${row.stage}:` : ''}${row.condition}`, row.text || '\u2013',
      row.failed ? make('span', { class: 'bad' }, 'failed') : make('span', { class: 'good' }, 'passed')]));
    return list.length ? [make('h2', null, 'Thresholds'), make('div', { class: 'wide' }, table(['fail if', 'value', ''], list, 'thresholds'))] : [];
  }

  function options(run) {
    const rows = Object.entries({ command: run.result.command, ...run.result.options }).filter(([, value]) => value !== null && value !== false)
      .map(([name, value]) => [name.replace(/_ns$/, '').replace(/_/g, ' '),
        { kind: 'text', text: make('code', null, /_ns$/.test(name) ? time(value) : Array.isArray(value) ? value.join(' ') : String(value)) }]);
    return make('details', null, make('summary', null, several ? `Options of ${run.letter}` : 'Options'),
      make('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'options' }, table(['option', 'value'], rows, 'options')));
  }

  function heads() {
    const verdict = runs[0].result.verdict;
    const when = (run) => (run.result.begin_unix_ns ? new Date(run.result.begin_unix_ns / 1e6).toISOString().slice(0, 19).replace('T', ' ') + ' UTC' : '');
    const warnings = runs.filter((run) => run.result.limited_by === 'generator').map((run) => make('p', { class: 'warning' },
      `${several ? run.letter : 'This run'} was limited by weir load itself. Its latencies are not the server\u2019s.`));
    if (!several)
      return [make('p', { class: 'lead' }, verdict), make('p', { class: 'soft' }, make('code', null, runs[0].result.command || ''), ' ', when(runs[0])), ...warnings];
    return [make('ul', { class: 'runs' }, ...runs.map((run) => make('li', null,
      make('b', null, key(run.colour, run.dash), run.letter), make('span', null, `${run.name} `, make('span', { class: 'soft' }, when(run)),
        make('br'), run.result.verdict || '', make('br'), make('code', null, run.result.command || ''))))), ...warnings];
  }

  function plots() {
    const list = [];
    const timed = runs.some((run) => series(run).length);
    if (runs.some((run) => run.values.length)) {
      if (timed) list.push(latencyPlot());
      list.push(distributionPlot());
    }
    if (several && runs.filter((run) => run.values.length).length > 1 && runs[0].values.length) list.push(differencePlot());
    if (timed) list.push(ratePlot(), errorPlot(), latenessPlot(), flightPlot());
    return make('div', { class: 'plots' }, ...list);
  }

  const report = document.getElementById('report');
  report.append(...heads(), ...(several ? [] : [cards(runs[0])]), ...thresholds(), ...differences(), plots());
  if (several) report.append(make('h2', null, 'Side by side'),
    make('div', { class: 'wide', tabindex: 0, role: 'region', 'aria-label': 'results side by side' }, comparison()));
  report.append(...runs.flatMap(stages), ...outcomes(), ...runs.map(options));
  const first = runs[0].result;
  document.title = `weir load: ${several ? runs.map((run) => run.name).join(', ') : first.origin || runs[0].name}`;
  if (first.origin && !several) document.getElementById('title').firstChild.textContent = first.origin;
  document.getElementById('footer').textContent = `Made by weir ${page.version}. Times are exact to 0.4%; minimum and maximum are exact.`;
})();
