import type { Texts } from '../en/texts.ts';

export const problems: Texts['problems'] = {
  network: '管理服務沒有回應',
  network_hint: '服務是否執行中？這台電腦是否已連上網路？',
  unexpected: '無法讀取回應內容',
  unknown: (status) => `管理服務回應 ${status}`,
  codes: {
    bad_request: '請求格式有誤', no_route: '沒有這個位址', forbidden: '不允許從這裡執行',
    invalid_field: '表單中有無法接受的內容', method_not_allowed: '這裡不能執行這個動作',
    request_timeout: '傳送時間過長', body_too_large: '一次傳送的內容過多',
    internal_error: '管理服務發生錯誤', shutting_down: '管理服務正在重新啟動', busy: '管理服務忙碌中',
    not_signed_in: '您尚未登入', bad_sign_in: '登入資訊無效', no_role: '您在這裡還沒有角色',
    role_missing: '您的角色不允許這個動作', sign_in_busy: '登入失敗次數過多',
    provider_unavailable: '登入提供者沒有回應', database_unavailable: '資料庫沒有回應',
    took_too_long: '資料庫未能及時完成', not_found: '不存在，或您無權檢視',
    conflict: '與現有資料衝突', idempotency_mismatch: '先前已用不同內容送出過',
    too_many_streams: '開啟的即時串流過多', missing_key: '沒有提供金鑰', unknown_key: '不認得這把金鑰',
    malformed_key: '這不是金鑰', expired_key: '這把金鑰已過期', revoked_key: '這把金鑰已撤銷',
    disabled_key: '這把金鑰已停用', address_forbidden: '這把金鑰不能從這裡使用',
    keys_unavailable: '目前無法檢查金鑰',
  },
};
