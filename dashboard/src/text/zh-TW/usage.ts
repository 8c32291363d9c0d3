import type { Texts } from '../en/texts.ts';

export const usage: Texts['usage'] = {
  title: '使用分析',
  calls: '總調用', successRate: '成功率', responseTime: '響應時間', errors: '錯誤數', cost: '費用',
  mean: '平均', p50: 'p50', p95: 'p95', p99: 'p99', max: '最長',
  more: (by, than) => `比${than}多 ${by}`, less: (by, than) => `比${than}少 ${by}`, same: (than) => `與${than}相同`,
  compare: { label: '比較對象：', previous: '前一段時間', week_before: '一週前', none: '不比較' },
  before: { previous: '前一段時間', week_before: '一週前' },
  range: {
    label: '時間範圍', zone: '時區', last_h: (_, text) => `最近 ${text} 小時`, last_d: (_, text) => `最近 ${text} 天`, today: '今天', yesterday: '昨天', this_month: '本月', last_month: '上個月',
    own: '自訂範圍', from: '從', to: '到', wrong: '結束必須晚於開始，且最多相隔 90 天',
    back: '前一段時間', forward: '後一段時間', share: '複製固定在這段時間的連結',
    odd: (day, h) => `${day} 有 ${h} 小時`,
  },
  by: { label: '排序依據', calls: '呼叫數', errors: '錯誤數', time: '時間', cost: '費用' },
  trend: {
    title: '呼叫數與響應時間', axes: '雙軸', stacked: '分開顯示', calls: '呼叫數', time: '響應時間',
    summary: (calls, peak, at) => `共 ${calls} 次呼叫；最高 ${peak} 次，自 ${at} 起。`,
    zoomHint: '在圖表上拖曳即可放大，按兩下返回。', unfinished: '尚未結束',
  },
  topTokens: '使用最多的權杖', topRoutes: '使用最多的路由', slowRoutes: '最慢的路由', slowCalls: '最慢的呼叫',
  share: '路由分佈', statuses: '狀態碼類別', errorsBy: '錯誤歸屬',
  ours: '閘道', upstream: '上游', client: '用戶端', noStatus: '無狀態碼',
  token: '權杖', route: '路由', noToken: '無權杖', noRoute: '無路由', others: (_, text) => `其他 ${text} 個`,
  shareOf: '占比', time: '時間', status: '狀態', address: '位址', took: '耗時', at: '時間點',
  gaps: {
    title: '未計入', dropped: (_, text) => `有 ${text} 次呼叫沒有紀錄：日誌當時沒有空間。`,
    refused: (_, text) => `有 ${text} 次請求未帶已知的金鑰。`, network: '來源', reason: '原因', requests: '請求數',
  },
  filter: {
    label: '篩選條件', token: '權杖', route: '路由', team: '團隊', status: '狀態', class: '類別', outcome: '結果',
    method: '方法', address: '位址', min_ms: '至少毫秒', clear: '清除所有篩選條件', by: (what) => `只看 ${what}`, remove: (what) => `移除 ${what}`,
    bad: (what) => `網址中的 ${what} 在這裡沒有意義。`,
  },
  empty: {
    ever: '還沒有任何呼叫', everHint: '建立權杖並用它呼叫一條路由，幾秒內就會顯示在這裡。',
    range: '這段時間沒有呼叫', rangeHint: (at) => `最後一次呼叫是 ${at}。`, toLast: '顯示那段時間',
    filters: '沒有符合篩選條件的呼叫', filtersHint: '這段時間還有其他呼叫。', clear: '清除篩選條件',
  },
  uncounted: (n) => `有 ${n} 個十五分鐘區間等待計算`,
};
