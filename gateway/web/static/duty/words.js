/** The words of the page of duty: Chinese, English. */

import { language } from "../js/i18n.js";

/** @type {Record<string, [string, string]>} */
const WORDS = {
  title: ["值班", "On duty"],
  none: ["还没有值班表：新的警报没有指名的负责人。值班表由管理员通过接口建立（docs/rosters.md）。", "There is no roster yet: what comes has no owner by name. Whoever answers for the service makes one by the API (docs/rosters.md)."],
  login: ["请先在值守台登录。", "Log in at the desk first."],
  lost: ["服务没有回答，显示的可能已过时。", "The service does not answer; what is shown may be old."],
  now: ["现在当班", "On now"],
  next: ["下一班", "Next"],
  nobody: ["无人值班", "Nobody"],
  until: ["至", "until"],
  from: ["从", "from"],
  gaps: ["空缺", "Nobody on"],
  unreachable: ["没有可用的联系方式", "Cannot be reached in any way"],
  note: ["交班留言", "Word from the shift before"],
  week: ["一周值班", "The week"],
  earlier_week: ["前一周", "Week before"],
  later_week: ["后一周", "Week after"],
  gap: ["无人", "nobody"],
  shift: ["班次", "Shift"],
  instead: ["改由", "Instead"],
  leave_empty: ["无人（空缺）", "nobody (a gap)"],
  reason: ["原因", "Reason"],
  override: ["安排替班", "Override"],
  swap_with: ["或与其对调", "Or swap with"],
  swap: ["对调", "Swap"],
  undo: ["撤销替班", "Undo"],
  choose: ["选择…", "choose…"],
  handover: ["交接", "Change of shifts"],
  all_yours: ["都由当班人员负责。", "Everything is with those who are on."],
  waiting: ["项仍属上一班", "still an earlier shift's"],
  take: ["接管", "Take over"],
  take_all: ["全部接管", "Take over all"],
  owner: ["负责人", "Owner"],
  nobodys: ["无", "nobody"],
  held: ["暂挂至", "on hold until"],
  in_hand: ["处理人", "in hand of"],
  leave_note: ["给下一班留言", "A word for the next shift"],
  leave: ["留言", "Leave it"],
  wanting: ["需要先补上的", "Wanting, before it matters"],
  nothing_wanting: ["没有空缺，也没有联系不上的人。", "No gap, and nobody who cannot be reached."],
  "wanting.gap": ["十四天内无人值班的时段", "Hours of the next fourteen days with nobody on"],
  "wanting.unreachable": ["联系不上的值班人员", "Staff whom nothing reaches"],
  "wanting.target": ["指向不存在的升级对象", "Targets that lead nowhere"],
  "wanting.contacts": ["可拨打联系人不足三个的住户", "Homes with fewer than three contacts who can be rung"],
  hours: ["共 {n} 小时", "{n} h in all"],
  show_all: ["全部显示（{n}）", "Show all ({n})"],
  more: ["……还有更多", "… and more"],
  policies: ["升级策略", "Who is told, and when"],
  keys: ["J / K 选择 · T 接管 · A 全部接管 · ← → 换周 · L English", "J / K choose · T take over · A take over all · ← → week · L 中文"],
  areas: ["区域", "areas"],
  everywhere: ["所有区域", "everywhere"],
  after: ["之后", "after"],
  at_once: ["立即", "at once"],
  accepts: ["人接受后其余人员不再前往", "who accept are enough: the rest stand down"],
  rounds: ["轮数", "Rounds:"],
  done: ["已保存", "Done"],
};

/** @param {string} key @param {Record<string, string|number>} [values] */
export const t = (key, values) => WORDS[key][language() === "zh" ? 0 : 1].replace(/\{(\w+)\}/g, (_, name) => String(values?.[name] ?? ""));

/** @param {{zh: string, en: string}} named */
export const named = (named) => (language() === "zh" ? named.zh : named.en);
