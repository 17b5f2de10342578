/** Of the ways from page to page. */

/** @type {Record<string, [string, string]>} */
export const WORDS = {
  "pages.title": ["页面", "Pages"],
  "pages.more": ["更多", "More"],
  "pages.theme": ["深色或浅色", "Dark or light"],
  "pages.desk": ["值守台", "Desk"],
  "pages.duty": ["值班", "On duty"],
  "pages.care": ["关怀", "Care"],
  "pages.silences": ["静默与维护", "Silences"],
  "pages.tests": ["测试设备", "On test"],
  "pages.drills": ["预案演练", "Drills"],
  "pages.reports": ["月报", "Month"],
  "pages.rules": ["规则", "Rules"],
  "pages.channels": ["通知渠道", "Channels"],
};
