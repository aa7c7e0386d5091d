import { partyLies } from './party-lies.ts'
import { tellAll } from './tell-all.ts'

tellAll('party', partyLies)
