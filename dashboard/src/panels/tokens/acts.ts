// The acts that are loaded together.
import { CreateToken } from './CreateToken.tsx';
import { DeleteToken } from './DeleteToken.tsx';
import { EditToken } from './EditToken.tsx';
import { RevokeToken } from './RevokeToken.tsx';
import { RotateToken } from './RotateToken.tsx';

export const ACTS = { create: CreateToken, edit: EditToken, rotate: RotateToken, revoke: RevokeToken, remove: DeleteToken } as const;
