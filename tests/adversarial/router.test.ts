import { routerLies } from './router-lies.ts'
import { tellAll } from './tell-all.ts'

tellAll('router', routerLies)
