import { coordinatorLies } from './coordinator-lies.ts'
import { tellAll } from './tell-all.ts'
import { tellInvited } from './tell-invited.ts'

tellAll('coordinator', coordinatorLies, tellInvited)
