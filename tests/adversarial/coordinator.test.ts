import { coordinatorLies } from './coordinator-lies.ts'
import { tellAll } from './tell-all.ts'

tellAll('coordinator', coordinatorLies)
