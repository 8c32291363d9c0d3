import type { Texts } from '../en/texts.ts';

export const dashboard: Texts['dashboard'] = {
  title: '總覽', topTokens: '使用最多的 3 個權杖', topRoutes: '使用最多的 3 條路由', all: '所有用量', cost: '目前費用', costOf: '本月，依路由定價',
  costRange: '這段時間，依路由定價',
  first: {
    title: '開始使用', done: '已完成', open: '尚未完成', dismiss: '隱藏這些步驟', finished: '全部完成。',
    token: '建立權杖', tokenHint: '權杖的金鑰用來呼叫路由。可在頁面上建立，或在主機上執行：',
    call: '用它進行第一次呼叫', callHint: '將 $KEY 換成您的金鑰；呼叫會在幾秒內顯示在這裡。',
    upstream: '將路由指向您自己的上游', upstreamHint: '在設定中把指向示範或模擬上游的路由改為您的上游，並檢查設定。`tollgate dev` 只有加上 `--live` 才會呼叫外部上游。',
    tokens: '前往權杖',
  },
};
