import type { Texts } from '../en/texts.ts';

export const common: Texts['common'] = {
  product: 'Tollgate',
  skip: '跳到頁面內容',
  nav: {
    label: '頁面', dashboard: '總覽', analytics: '使用分析', tokens: '權杖', teams: '團隊', users: '人員',
    audit: '稽核紀錄', nodes: '節點', account: '帳號', open: '選單',
  },
  theme: { label: '佈景主題', system: '跟隨系統', light: '淺色', dark: '深色' },
  language: { label: '語言', en: 'English', 'zh-TW': '繁體中文' },
  keys: {
    title: '鍵盤快速鍵', search: '搜尋', help: '顯示這份清單', clear: '清除篩選條件，或關閉開啟中的視窗',
    back: '前一段時間', forward: '後一段時間', off: '鍵盤快速鍵',
  },
  search: {
    label: '搜尋', hint: '名稱、金鑰開頭、完整金鑰或其雜湊值、請求 ID',
    nothing: '找不到符合的項目', aKey: '這是一把金鑰：只會以雜湊值查詢，金鑰本身不會送出',
    keyElsewhere: '這裡含有金鑰，不會從這裡送出。要找它的權杖，請使用頁面上方的搜尋。',
    token: '權杖', route: '路由', call: '呼叫',
    oldSecret: '以已被更換的舊金鑰找到',
  },
  act: {
    close: '關閉', cancel: '取消', save: '儲存', copy: '複製', copied: '已複製', copyFailed: '請選取文字後自行複製',
    retry: '再試一次', undo: '復原', clear: '清除', apply: '套用', edit: '編輯',
    more: '更多', signIn: '登入', signOut: '登出', refresh: '立即重新整理',
    nextPage: '顯示更多',
  },
  state: {
    loading: '載入中', refreshing: '更新中', unknown: '未知', never: '從未', yes: '是', no: '否',
    other: '其他', shownOf: (at) => `目前顯示：${at}。`,
    failed: (what) => `無法載入${what}`, requestId: (id) => `請求 ${id}`,
    noSuchPage: '找不到這個頁面', noSuchPageHint: '網址可能來自舊版本，或輸入有誤。',
    home: '回到總覽',
    crashed: '頁面的這個部分發生錯誤', databaseAway: '資料庫目前無法連線：顯示的內容最多可能是十分鐘前的。',
  },
  refresh: {
    label: '自動更新', every: (s) => `每 ${s}`, off: '關閉', asOf: (ago) => `資料截至 ${ago}`,
    lags: (ago) => `${ago} 之後的呼叫尚未計入`,
    silent: (names) => `沒有回報的節點：${names}。它們的呼叫可能不在其中。`,
  },
  signIn: {
    title: '登入', key: '個人金鑰', keyHint: '以 tgu_ 開頭。管理員可用 `tollgate user key add NAME` 建立。',
    wrong: '這不是個人金鑰：個人金鑰以 tgu_ 開頭，共 42 個字元。',
    gatewayKey: '這是閘道金鑰（ntk_）。它用來呼叫路由，不能登入這些頁面；它自己的用量請見「我的金鑰」。',
    link: '正在以連結登入', linkFailed: '這個連結已使用過，或已超過五分鐘。',
    linkHint: '重新產生：`tollgate user link NAME`。', or: '或', by: (name) => `使用 ${name} 繼續`,
    noRole: '您已登入，但在這裡還沒有任何角色。', noRoleHint: '請告訴管理員：',
    signedInAs: (name) => `登入身分：${name}`,
    problem: {
      stale: '這次登入已使用過、花費過久，或是在另一個瀏覽器開始的。請在同一個分頁重新開始。',
      denied: '登入在提供者那裡中斷了。請重新開始。', refused: '提供者拒絕了這次登入。管理員可在日誌與稽核紀錄中找到原因。',
      out: '您在這裡已被停用或移除。請洽管理員。', no_role: '您在這裡還沒有角色。管理員可在「人員」頁面看到您的存取請求。',
      busy: '失敗次數過多。請一分鐘後再試。', away: '提供者沒有回應。請再試一次。',
      database: '資料庫沒有回應。請再試一次。', unknown: '沒有這個名稱的提供者。',
    },
    selfLink: '只有閘道金鑰？查看它自己的用量',
    role: { none: '無角色', viewer: '檢視者', manager: '管理者', admin: '系統管理員' },
  },
  table: { show: '以表格顯示', chart: '以圖表顯示', sortUp: '遞增', sortDown: '遞減', empty: '沒有資料列' },
  panel: { copyCurl: '複製為 curl 指令', copyAsk: '複製為 tollgate usage ask 指令', csv: '下載 CSV', menu: (of) => `${of}的更多功能` },
};
