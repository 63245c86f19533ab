/** NestJS finds a handler by the pattern in the payload: https://docs.nestjs.com/microservices/basics. */
export const nestPattern = "order";
